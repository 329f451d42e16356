// Every third call ends by an exception that passes through a frame with a
// destructor.
#include <cstdio>
#include <stdexcept>

struct Guard {
  int *total;
  ~Guard() { ++*total; }
};

static int unwound;

extern "C" __attribute__((noinline)) int leaf(int value) {
  if (value % 3 == 0)
    throw std::runtime_error("third");
  return value;
}

extern "C" __attribute__((noinline)) int middle(int value) {
  Guard guard{&unwound};
  return leaf(value) + 1;
}

extern "C" __attribute__((noinline)) int outer(int value) {
  try {
    return middle(value);
  } catch (const std::exception &) {
    return -1;
  }
}

int main() {
  int sum = 0;
  for (int i = 0; i < 300; i++)
    sum += outer(i);
  std::printf("%d %d\n", sum, unwound);
  return 5;
}
