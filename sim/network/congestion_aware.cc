#include <deque>
#include <utility>
#include <vector>

#include "sim/network/closed_form.h"
#include "sim/network/network.h"
#include "sim/network/packet_route.h"
#include "sim/network/transfers.h"

namespace podium {
namespace {

/// A transfer as one chunk that is stored and forwarded whole at each hop. A link carries one chunk at a time, first
/// come, first served (of one instant: in the order of the calls), is busy for size / bandwidth, and its chunk arrives
/// a latency later, both in whole nanoseconds. Where a route splits, so does the chunk, by the loads; a node sends on
/// when all that comes to it is there. A link that loses its capacity ends what it has begun.
class CongestionAwareNetwork final : public Network {
 public:
  CongestionAwareNetwork(Engine& engine, Wiring wiring)
      : engine_(engine), wiring_(std::move(wiring)), ports_(wiring_.wires.size()), carried_(wiring_.wires.size()) {
    for (const Wire& wire : wiring_.wires) {
      check_capacity(wire.capacity);
      capacities_.push_back(wire.capacity);
    }
  }

  TransferId send(const Transfer& transfer, Action delivered) override;
  void cancel(TransferId id) override;
  void set_capacity(LinkId link, BytesPerSecond capacity) override;
  Table<LinkId, Bytes> carried() const override;

 private:
  struct Chunk {
    Action delivered;
    PacketRoute way;
    std::vector<std::uint32_t> awaited;  ///< by fork: legs that have not come to it yet
    std::uint32_t left = 0;              ///< legs to receivers
    Bytes bytes;
    BytesPerSecond cap;
    EventId arrival;  ///< of what takes no links
  };
  /// What of a chunk takes one link.
  struct Piece {
    TransferId chunk;
    std::uint32_t leg = 0;
  };
  struct Port {
    std::deque<Piece> queue;
    bool busy = false;
    Bytes moving;  ///< of what it has begun, while it is busy
    Time since, until;
  };

  void begin(TransferId id);
  void leave(TransferId id, std::uint32_t fork);
  void serve(LinkId link);
  void carry_piece(LinkId link, const Piece& piece, const Chunk& chunk);
  void arrive(const Piece& piece);

  Engine& engine_;
  Wiring wiring_;
  Table<LinkId, BytesPerSecond> capacities_;
  Table<LinkId, Port> ports_;
  Table<LinkId, Bytes> carried_;  ///< by what has gone
  TransferTable<Chunk> chunks_;
};

TransferId CongestionAwareNetwork::send(const Transfer& transfer, Action delivered) {
  check_transfer(transfer, capacities_);
  Chunk chunk;
  chunk.delivered = std::move(delivered);
  chunk.bytes = transfer.bytes;
  chunk.cap = transfer.cap;
  const bool moves = transfer.bytes > Bytes(0) && !transfer.route->links.empty();
  if (moves) {
    chunk.way = make_packet_route(*transfer.route, wiring_);
  }
  const TransferId id = chunks_.add(std::move(chunk));
  if (moves) {
    begin(id);
  } else {
    chunks_.find(id)->arrival = engine_.after(transfer.route->latency, [this, id] { deliver(chunks_, id); });
  }
  return id;
}

void CongestionAwareNetwork::begin(TransferId id) {
  Chunk& chunk = *chunks_.find(id);
  chunk.awaited.assign(chunk.way.forks.size(), 0);
  for (const PacketRoute::Leg& leg : chunk.way.legs) {
    ++(leg.fork == PacketRoute::none ? chunk.left : chunk.awaited[leg.fork]);
  }
  for (const std::uint32_t source : chunk.way.sources) {
    leave(id, source);
  }
}

void CongestionAwareNetwork::cancel(TransferId id) {
  if (const Chunk* chunk = chunks_.find(id)) {
    engine_.cancel(chunk->arrival);
    chunks_.remove(id);
  }
}

void CongestionAwareNetwork::set_capacity(LinkId link, BytesPerSecond capacity) {
  check_capacity(capacity);
  capacities_.at(link) = capacity;
  serve(link);
}

/// Sends a chunk on from a node where all of it is.
void CongestionAwareNetwork::leave(TransferId id, std::uint32_t fork) {
  const PacketRoute& way = chunks_.find(id)->way;
  const PacketRoute::Fork& ways = way.forks[fork];
  for (std::uint32_t i = ways.first; i < ways.first + ways.count; ++i) {
    const LinkId link = way.legs[i].link;
    ports_[link].queue.push_back({id, i});
    serve(link);
  }
}

/// Begins with the next of a link's queue that has not been cancelled.
void CongestionAwareNetwork::serve(LinkId link) {
  Port& port = ports_[link];
  while (!port.busy && !port.queue.empty() && capacities_[link] > BytesPerSecond(0)) {
    const Piece piece = port.queue.front();
    port.queue.pop_front();
    if (const Chunk* chunk = chunks_.find(piece.chunk)) {
      port.busy = true;
      carry_piece(link, piece, *chunk);
    }
  }
}

void CongestionAwareNetwork::carry_piece(LinkId link, const Piece& piece, const Chunk& chunk) {
  const PacketRoute::Leg& leg = chunk.way.legs[piece.leg];
  const bool ends = leg.fork == PacketRoute::none;
  const BytesPerSecond whole = capacities_[link] / chunk.way.loads[piece.leg];
  const BytesPerSecond rate = chunk.cap > BytesPerSecond(0) ? std::min(whole, chunk.cap) : whole;
  Port& port = ports_[link];
  port.moving = chunk.bytes * chunk.way.loads[piece.leg];
  port.since = engine_.now();
  port.until = port.since + closed_form_delay(Seconds(), chunk.bytes, rate);
  engine_.at(port.until, [this, link] {
    Port& done = ports_[link];
    carried_[link] += done.moving;
    done.busy = false;
    serve(link);
  });
  engine_.after(closed_form_delay(ends ? chunk.way.last_latency : wiring_.wires[link].latency, chunk.bytes, rate),
                [this, piece] { arrive(piece); });
}

Table<LinkId, Bytes> CongestionAwareNetwork::carried() const {
  Table<LinkId, Bytes> result = carried_;
  for (const LinkId link : ports_.ids()) {
    const Port& port = ports_[link];
    if (port.busy) {
      const Seconds all = port.until - port.since;
      result[link] += port.moving * (all > Seconds() ? (engine_.now() - port.since) / all : 1);
    }
  }
  return result;
}

void CongestionAwareNetwork::arrive(const Piece& piece) {
  Chunk* chunk = chunks_.find(piece.chunk);
  if (chunk == nullptr) {
    return;
  }
  const std::uint32_t fork = chunk->way.legs[piece.leg].fork;
  if (fork != PacketRoute::none) {
    if (--chunk->awaited[fork] == 0) {
      leave(piece.chunk, fork);
    }
  } else if (--chunk->left == 0) {
    deliver(chunks_, piece.chunk);
  }
}

std::unique_ptr<Network> make_congestion_aware(Engine& engine, const Wiring& wiring) {
  return std::make_unique<CongestionAwareNetwork>(engine, wiring);
}

const Networks::Entry congestion_aware_entry{
    "congestion_aware", "whole messages stored and forwarded, one at a time on a link, in whole nanoseconds",
    make_congestion_aware};

}  // namespace
}  // namespace podium
