// fasttrap -q -s FILE
//
// json() finds an element of a text in JSON by its path: members by dots, elements of arrays by their number.
BEGIN
{
	this->j = "{\"name\": \"ls\", \"args\": [\"-l\", {\"deep\": [10, 20, 30]}], \"n\": -1.5, \"t\": true, \"o\": {}}";
	printf("[%s] [%s]\n", json(this->j, "name"), json(this->j, "args[0]"));
	printf("[%s] [%s]\n", json(this->j, "args[1].deep[2]"), json(this->j, "args[1].deep"));
	printf("[%s] [%s] [%s]\n", json(this->j, "n"), json(this->j, "t"), json(this->j, "o"));
	printf("%d\n", strtoll(json(this->j, "args[1].deep[0]")));
	printf("%d\n", json(this->j, "missing") == NULL);
	exit(0);
}
