// ifunc_dynamic.c, static, at fixed addresses.
// cc: -no-pie -static
#include "ifunc_dynamic.c"
