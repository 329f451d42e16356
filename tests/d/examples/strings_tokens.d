// fasttrap -q -s FILE
//
// What strtok() has left is there for all clauses that a probe fires, and for none that another one does.
BEGIN
{
	this->text = "carrots, barley,,oatmeal";
	printf("[%s]\n", strtok(this->text, ", "));
}

BEGIN
/(this->token = strtok(NULL, ", ")) != NULL/
{
	printf("[%s]\n", this->token);
}

BEGIN
{
	printf("[%s] %d\n", strtok(NULL, ", "), strtok(NULL, ", ") == NULL);
	exit(0);
}

END
{
	printf("%d\n", strtok(NULL, ", ") == NULL);
}
