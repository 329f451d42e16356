// fasttrap -n BEGIN -n 'END { printf("the end"); }' -n 'tick-1ms { exit(0); }'
//
// A description alone is a clause without statements, which records that its probe has fired.
