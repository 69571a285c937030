#include "sim/workload/traffic.h"

#include <limits>

namespace podium {
namespace {

constexpr std::uint32_t most_messages = 1U << 20;

}  // namespace

TrafficWriter::TrafficWriter(std::uint32_t ranks) : streams_(ranks) {
  graph_.add_label("traffic");
  for (std::uint32_t rank = 0; rank < ranks; ++rank) {
    graph_.add_role({"rank " + std::to_string(rank), rank, 1});
  }
}

TaskId TrafficWriter::send(std::uint32_t from, std::uint32_t to, Bytes bytes, const std::vector<TaskId>& after) {
  PODIUM_CHECK(from < streams_.size() && to < streams_.size());
  const std::uint32_t tag = messages_++;
  if (messages_ > most_messages) {
    throw InputError("more than " + with_commas(most_messages) + " messages; fewer ranks would do");
  }
  add(from, SendTask{RoleId(to), tag, bytes}, after);
  return add(to, ReceiveTask{RoleId(from), tag}, {});
}

TaskId TrafficWriter::add(std::uint32_t rank, Payload payload, const std::vector<TaskId>& after) {
  using Stream = decltype(Task::stream);
  const std::uint32_t stream = streams_[rank]++;
  if (stream > std::numeric_limits<Stream>::max()) {
    throw InputError("rank " + std::to_string(rank) + " has more than " + with_commas(stream) +
                     " messages; fewer ranks would do");
  }
  return graph_.add(RoleId(rank), static_cast<Stream>(stream), 0, payload, after);
}

TaskGraph traffic_graph(std::string_view pattern, const TrafficShape& shape, const Location& where) {
  const auto write = TrafficPatterns::find(pattern, where);
  if (shape.ranks < 2) {
    throw InputError(where, std::to_string(shape.ranks) + " ranks have no traffic; 2 or more are right");
  }
  TrafficWriter writer(shape.ranks);
  write(shape, writer);
  return std::move(writer).finish();
}

}  // namespace podium
