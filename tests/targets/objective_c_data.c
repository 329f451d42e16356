// What GCC writes for a class and a category of Objective-C, written in C: no
// run-time library is needed to read it. It is not traced, only read. The last
// two modules and a list of methods lead nowhere.
#include "target.h"

struct method {
  const char *selector, *types;
  long (*function)(void);
};
struct methods {
  struct methods *next;
  int count;
  struct method list[2];
};
struct class {
  const struct class *meta;
  const char *super, *name;
  long version, info, size;
  void *variables;
  const struct methods *methods;
  void *unused[5];
};
struct category {
  const char *name, *class_name;
  const struct methods *instance_methods, *class_methods;
  void *protocols;
};

static NOINLINE long one(void) { return 1; }
static NOINLINE long two(void) { return 2; }
static NOINLINE long three(void) { return 3; }

static struct methods instance = {0, 2, {{"a_b:c:", "", one}, {"d", "", two}}};
static struct methods own = {0, 1, {{"make", "", three}}};
static struct methods extra = {0, 2, {{"e:", "", two}, {"f", "", (void *)1}}};
static struct methods wild = {0, 0x7fffffff, {{"g", "", one}, {"h", "", two}}};
static struct class meta = {0, "Root", "Shape", 0, 2, 104, 0, &own, {0}};
static struct class shape = {&meta, "Root", "Shape",   0,  1,
                             8,     0,      &instance, {0}};
static struct category round = {"Round", "Shape", &extra, &wild, 0};

static struct {
  long selectors;
  void *references;
  short classes, categories;
  void *definitions[2];
} symbols = {0, 0, 1, 1, {&shape, &round}};

__attribute__((used)) static struct {
  long version, size;
  const char *name;
  void *symbols;
} modules[] = {{8, 32, "", &symbols}, {8, 32, "", 0}, {8, 32, 0, (void *)16}};

int main(void) {
  await_go();
  return (int)modules[0].version;
}
