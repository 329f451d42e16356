// fasttrap -qn 'BEGIN { printf("%s %d\n", $$1, $2 * 2); exit($2); }' word 21
// exits 21
//
// The program on the command line, with its arguments behind it.
