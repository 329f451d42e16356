/*
 * The program of `deno task demo`: asks is_prime() ten times, prints the
 * answers, and exits with the number of primes.
 */
#include <stdio.h>

__attribute__((noinline)) static int is_prime(int number) {
  for (int divisor = 2; divisor * divisor <= number; divisor++) {
    if (number % divisor == 0)
      return 0;
  }
  return 1;
}

int main(void) {
  int count = 0;
  for (int number = 2; number < 12; number++) {
    int prime = is_prime(number);
    printf("%d is %s\n", number, prime ? "prime" : "not prime");
    count += prime;
  }
  return count;
}
