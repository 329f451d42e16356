// errors.c, linked in another way.
// cc: -O1 -pthread -static
#include "errors.c"
