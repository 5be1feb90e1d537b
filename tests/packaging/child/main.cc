#include <cstdio>

const char* ParentSays();

int main() {
  std::printf("the parent's library uses warppool %s\n", ParentSays());
}
