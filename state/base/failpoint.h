/* Named points at which a crash test kills the process: DIDEBAN_FAILPOINT=NAME:COUNT in the environment ends it with SIGKILL at
 * the COUNT-th passage of that point. Unset, a point costs one comparison. Any thread; a point is passed by one thread alone. */
#ifndef DIDEBAN_STATE_BASE_FAILPOINT_H
#define DIDEBAN_STATE_BASE_FAILPOINT_H

void failpoint(const char *name);

#endif
