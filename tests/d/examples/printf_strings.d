// fasttrap -q -s FILE
//
// Characters and strings; %C and %S show what cannot be printed by its escape.
BEGIN
{
	printf("[%c] [%3c] [%-3c]\n", 'a', 'b', 'c');
	printf("[%s] [%6s] [%-6s] [%.2s] [%6.2s]\n", "text", "text", "text", "text", "text");
	printf("[%*s] [%-*s] [%.*s]\n", 6, "abc", 6, "abc", 2, "abc");
	printf("[%C] [%C] [%C] [%C]\n", 'a', '\n', '\0', '\\');
	printf("[%S]\n", "tab\there\nquote\"backslash\\end\001");
	printf("%s\n", "");
	printf("no newline, ");
	printf("then one\n");
	printf("\ttab \"quoted\" \x41\102\n");
	exit(0);
}
