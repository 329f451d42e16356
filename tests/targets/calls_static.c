// calls.c, linked in another way.
// cc: -static -no-pie
#include "calls.c"
