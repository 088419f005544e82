// Says when its first instruction ran: CLOCK_MONOTONIC in nanoseconds, the clock of Node's process.hrtime.
#include <cstdint>
#include <cstdio>
#include <ctime>

int main() {
  timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  std::printf("%lld\n", static_cast<long long>(now.tv_sec) * 1000000000LL + now.tv_nsec);
  return 0;
}
