// calls.c, linked in another way.
// cc: -static-pie -fPIE
#include "calls.c"
