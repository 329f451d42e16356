// fasttrap -q -s FILE
//
// Bytes in the network's order, and addresses as text.
BEGIN
{
	printf("%x %x %x\n", htons(0x1234), htonl(0x12345678), htonll(0x123456789abcdef0));
	printf("%x %x %x\n", ntohs(0x1234), ntohl(0x12345678), ntohll(0x123456789abcdef0));
	this->a = (ipaddr_t *)alloca(sizeof (ipaddr_t));
	*this->a = htonl(0x7f000001);
	printf("%s\n", inet_ntoa(this->a));
	printf("%s\n", inet_ntop(2, this->a));
	this->b = (uint8_t *)alloca(16);
	this->b[15] = 1;
	printf("%s", inet_ntop(10, this->b));
	this->b[0] = 0x20;
	this->b[1] = 0x01;
	this->b[2] = 0x0d;
	this->b[3] = 0xb8;
	printf(" %s\n", inet_ntop(10, this->b));
	exit(0);
}
