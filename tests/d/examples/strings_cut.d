// fasttrap -q -s FILE
//
// substr() counts a negative place from the end; strtok() goes on in its string when it is given NULL.
BEGIN
{
	s = "abcdefgh";
	printf("[%s] [%s] [%s]\n", substr(s, 2), substr(s, 2, 3), substr(s, 0, 100));
	printf("[%s] [%s] [%s]\n", substr(s, -3), substr(s, -3, 2), substr(s, 8));
	printf("[%s] [%s]\n", substr(s, 2, 0), substr(s, 2, -2));
	this->t = strtok("/usr//local/bin", "/");
	printf("%s", this->t);
	this->t = strtok(NULL, "/");
	printf(" %s", this->t);
	this->t = strtok(NULL, "/");
	printf(" %s", this->t);
	this->t = strtok(NULL, "/");
	printf(" %d\n", this->t == NULL);
	exit(0);
}
