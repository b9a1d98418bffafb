/* XXH3 against values that others publish. */
#include "base/xxh3.h"
#include "unit/base/base_test.h"

static void test_known_digests(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        uint64_t digest;
    } known[] = {
        {"", 0x2d06800538d394c2},
        {"test", 0x9ec9f7918d7dfc40},
        {"hello", 0x9555e8555c62dcfd},
        {"Hello world", 0xb6acb9d84a38ff74},
        {"Hello, Dragonfly!", 0x063b4909128e92b7},
        {"v8lf0c11xh8ymlqztfd3eeq16kfn4sspw7fqmnuuq3k3t75em5wdizgcdw7uc26nnf961u2jkfzkjytls2kwlj7626sd",
         0x00006c38adf31777},
    };
    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
        assert_true(xxh3_64(slice_from_cstr(known[i].text)) == known[i].digest);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_known_digests)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
