#include "base/background.h"

#include <sched.h>
#include <sys/resource.h>
#include <unistd.h>

#define BACKGROUND_NICE 19 /* more than the process: the least weight that there is */

void background_enter(void)
{
    /* On Linux both calls are for the calling thread alone. SCHED_BATCH keeps the thread from preempting others when it
     * wakes up, which a lower priority alone does not. */
    struct sched_param none = {0};
    (void)sched_setscheduler(0, SCHED_BATCH, &none);
    id_t thread = (id_t)gettid();
    (void)setpriority(PRIO_PROCESS, thread, getpriority(PRIO_PROCESS, thread) + BACKGROUND_NICE);
}
