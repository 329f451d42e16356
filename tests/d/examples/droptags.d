// fasttrap -q -x droptags -x nspec=1 -s FILE
//
// droptags puts the kind of a drop in front of its report.
BEGIN
{
	this->a = speculation();
	this->b = speculation();
	this->c = speculation();
	exit(0);
}
