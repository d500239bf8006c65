/* A call has its result after what it calls has run: forward slices from a
   recursive procedure lost its caller. */
static int fact(int n) { return n < 2 ? 1 : n * fact(n - 1); }
int main(void)
{
	int v = fact(5);
	return v != 120;
}
