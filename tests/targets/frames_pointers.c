// frames.c with frame pointers, and nothing said of its frames.
// cc: -fno-omit-frame-pointer -fno-asynchronous-unwind-tables
#include "frames.c"
