#include "base/secret.h"

bool secret_equal(struct slice given, struct slice secret)
{
    volatile unsigned char differs = given.len != secret.len;
    for (size_t i = 0; i < given.len; i++)
        differs |= (unsigned char)(given.ptr[i] ^ secret.ptr[i % secret.len]);
    return !differs;
}
