// ifunc_dynamic.c, at fixed addresses.
// cc: -no-pie
#include "ifunc_dynamic.c"
