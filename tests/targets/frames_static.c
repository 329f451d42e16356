// frames.c, linked in another way.
// cc: -O2 -fomit-frame-pointer -static
#include "frames.c"
