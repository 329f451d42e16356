// Classes and a category in Objective-C, with selectors whose mangled names
// could mean several things, for the run-time library of GCC. Built as a
// library too, whose classes have other names then (NAME).
#include <objc/Object.h>
#include <objc/runtime.h>
#include <stdio.h>

#ifndef NAME
#define NAME Counter
#endif
#define CATEGORY Extra_Bits

@interface NAME : Object {
  long total_;
}
+ (NAME *)make;
+ (long)number_of:(long)n;
+ (long)number:(long)n by_:(long)m;
- (long)add:(long)n to:(long)m;
- (long)under_score;
@end

@implementation NAME
+ (NAME *)make {
  return class_createInstance((Class)self, 0);
}
+ (long)number_of:(long)n {
  return n;
}
+ (long)number:(long)n by_:(long)m {
  return n * m;
}
- (long)add:(long)n to:(long)m {
  return total_ += n + m;
}
- (long)under_score {
  return total_;
}
@end

@interface NAME (CATEGORY)
- (long)twice:(long)n;
+ (long)once;
@end

@implementation NAME (CATEGORY)
- (long)twice:(long)n {
  return n == 0 ? [self under_score] : 2 * [self twice:n - 1];
}
+ (long)once {
  return 1;
}
@end

long use(long rounds) {
  NAME *counter = [NAME make];
  long sum = 0, i;
  for (i = 0; i < rounds; i++) {
    sum += [counter add:i to:1] + [NAME number_of:i];
    sum += [NAME number:i by_:2] + [NAME once];
  }
  return sum + [counter twice:3];
}

#ifndef LIBRARY
#include <dlfcn.h>
int main(int argc, char **argv) {
  printf("%ld\n", use(4));
  if (argc > 1) {
    void *library = dlopen(argv[1], RTLD_NOW);
    printf("%ld\n", ((long (*)(long))dlsym(library, "use"))(5));
  }
  return 8;
}
#endif
