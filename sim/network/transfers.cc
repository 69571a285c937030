#include "sim/network/transfers.h"

#include <cmath>

#include "sim/core/check.h"

namespace podium {

Table<LinkId, PortStatistics> Network::statistics() const {
  const Table<LinkId, Bytes> bytes = carried();
  Table<LinkId, PortStatistics> result(bytes.size());
  for (const LinkId link : bytes.ids()) {
    result[link].bytes = bytes[link];
  }
  return result;
}

void check_transfer(const Transfer& transfer, const Table<LinkId, BytesPerSecond>& capacities) {
  PODIUM_CHECK(transfer.route != nullptr, "a transfer needs a route");
  PODIUM_CHECK(transfer.bytes.value() >= 0 && std::isfinite(transfer.bytes.value()), "bytes are finite, not negative");
  PODIUM_CHECK(transfer.cap.value() >= 0 && std::isfinite(transfer.cap.value()), "a cap is finite, not negative");
  PODIUM_CHECK(transfer.weight > 0 && std::isfinite(transfer.weight), "a weight is finite and positive");
  for (const LinkLoad& use : transfer.route->links) {
    PODIUM_CHECK(use.link.index() < capacities.size(), "a route uses links that the network has");
    PODIUM_CHECK(use.load > 0 && std::isfinite(use.load) && use.members > 0, "a load is finite and positive");
  }
}

void check_capacity(BytesPerSecond capacity) {
  PODIUM_CHECK(capacity.value() >= 0 && std::isfinite(capacity.value()), "a capacity is finite, not negative");
}

void carry(Table<LinkId, Bytes>& carried, const Route& route, Bytes bytes) {
  for (const LinkLoad& use : route.links) {
    carried[use.link] += bytes * use.total();
  }
}

Time drained(Time start, Bytes bytes, BytesPerSecond rate) {
  // the range ends at 9.2e6 s; what would end beyond is as good as stalled
  constexpr double longest = 9.2e6;
  if (bytes.value() <= 0) {
    return start;
  }
  const bool ends = rate.value() > 0 && bytes.value() < (longest - since_start(start).value()) * rate.value();
  return ends ? start + bytes / rate : Time::max();
}

}  // namespace podium
