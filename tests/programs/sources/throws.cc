// Throws exceptions and throws some of them again; prints for each the address
// of the object and of its type, and how often it was thrown again.
#include <cstdio>
#include <exception>
#include <stdexcept>
#include <typeinfo>

static const void *object;

static void fail(int n) {
  if (n % 2)
    throw std::runtime_error("odd");
  throw n;
}

template <typename Type> static const void *address(const Type &thrown) {
  return &thrown;
}

static const std::type_info *type;
static int again;

static void pass(int n) {
  try {
    fail(n);
  } catch (const std::runtime_error &error) {
    object = address(error);
    type = &typeid(std::runtime_error);
    if (n == 1)
      return;
    again++;
    throw;
  } catch (const int &number) {
    object = address(number);
    type = &typeid(int);
  }
}

int main() {
  for (int n = 0; n < 6; n++) {
    again = 0;
    try {
      pass(n);
    } catch (...) {
    }
    std::printf("%p %p %d\n", object, (const void *)type, again);
  }
}
