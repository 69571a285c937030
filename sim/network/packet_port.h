#pragma once

#include <cstdint>
#include <limits>
#include <vector>

#include "sim/network/packet_settings.h"
#include "sim/network/port_statistics.h"

namespace podium {

/// First in, first out, in a circle of slots that grows.
template <class T>
class PacketQueue {
 public:
  bool empty() const { return size_ == 0; }
  std::size_t size() const { return size_; }
  T& operator[](std::size_t place) { return slots_[(first_ + place) & (slots_.size() - 1)]; }
  T& front() { return slots_[first_]; }
  void push_back(const T& item) {
    if (size_ == slots_.size()) {
      grow();
    }
    ++size_;
    (*this)[size_ - 1] = item;
  }
  void pop_front() {
    first_ = (first_ + 1) & (slots_.size() - 1);
    --size_;
  }
  /// Removes and returns all that `taken` says yes to; the others keep their order.
  template <class Taken>
  std::vector<T> take_if(const Taken& taken) {
    std::vector<T> result;
    for (std::size_t left = size_; left > 0; --left) {
      const T item = front();
      pop_front();
      if (taken(item)) {
        result.push_back(item);
      } else {
        push_back(item);
      }
    }
    return result;
  }

 private:
  void grow() {
    std::vector<T> larger(slots_.empty() ? 8 : 2 * slots_.size());
    for (std::size_t place = 0; place < size_; ++place) {
      larger[place] = (*this)[place];
    }
    slots_ = std::move(larger);
    first_ = 0;
  }

  std::vector<T> slots_;  ///< a power of two of them
  std::size_t first_ = 0;
  std::size_t size_ = 0;
};

/// Packets of a transfer that wait for a port to send them: the port asks for the next when it is free.
struct PacketStream {
  std::uint32_t flow = 0;
  std::uint32_t generation = 0;
  std::uint32_t leg = 0;
  std::uint32_t index = 0;  ///< of the next packet
  std::uint32_t step = 0;   ///< to the one after it; 0: whichever packet of the transfer is next
  std::uint16_t fork = 0;   ///< where the leg ends
};

/// A packet between the start of its first link and the end of its last. Times are picoseconds.
struct Packet {
  std::int64_t tail = 0;  ///< when its last byte is, or was, here
  std::int64_t came = 0;  ///< to the queue that it is in
  double wire = 0;        ///< bytes, with the header
  std::uint32_t flow = 0;
  std::uint32_t leg = 0;  ///< with its link and the fork at its end, so that they are not looked up in a cold route
  std::uint32_t link = 0;
  std::uint32_t index = 0;  ///< in its transfer
  std::uint32_t room = 0;   ///< the channel at whose far end it takes room
  std::uint32_t next = 0;   ///< behind it in the queue
  std::uint16_t fork = 0;
  ChannelStand stand;
  bool marked = false;
};

/// One virtual channel of a link: the queue before it, and the room at its far end.
struct PacketChannel {
  static constexpr std::uint32_t none = std::numeric_limits<std::uint32_t>::max();
  static constexpr std::int64_t never = std::numeric_limits<std::int64_t>::max();
  struct Release {
    std::int64_t time = 0;
    double bytes = 0;
  };

  std::uint32_t port = 0;
  std::uint32_t head = none;  ///< of the packets that may not begin yet
  std::uint32_t last = none;
  std::int64_t wake_at = never;
  double size = 0;                ///< room at the far end
  double free = 0;                ///< credits: of it, as far as releases have been looked at
  double taken = 0;               ///< pause, drop: what has arrived over this link and has not left the switch
  bool told_to_pause = false;     ///< pause: by the far end, which the word may not have left yet
  PacketQueue<Release> releases;  ///< credits: those to come, by time

  /// Almost always later than those before it.
  void release(std::int64_t time, double bytes) {
    releases.push_back({time, bytes});
    for (std::size_t place = releases.size() - 1; place > 0 && releases[place - 1].time > time; --place) {
      std::swap(releases[place - 1], releases[place]);
    }
  }
  void take_releases(std::int64_t now) {
    while (!releases.empty() && releases.front().time <= now) {
      free += releases.front().bytes;
      releases.pop_front();
    }
  }
};

/// The sending end of a link.
struct PacketPort {
  double picoseconds_per_byte = 0;  ///< 0: without capacity
  std::int64_t busy_until = 0;
  std::int64_t latency = 0;
  std::uint32_t first_channel = 0;
  std::uint32_t settings = 0;
  std::uint64_t served = 0;  ///< transfers that passed, by number modulo 64, since one of the port's own had its turn
  std::int64_t ahead = 0;    ///< credits: a packet to a receiver is given its time no longer than this before
  ChannelRule channel_rule;
  ChannelMark mark;
  FlowControl control = FlowControl::credits;
  Forwarding forwarding = Forwarding::cut_through;
  bool paused = false;
  bool pulling = false;   ///< an event will ask the streams for a packet
  double waiting = 0;     ///< bytes in the channels' queues
  double rounding = 0.5;  ///< a part of a picosecond
  PacketQueue<PacketStream> streams;

  bool alive() const { return picoseconds_per_byte > 0; }
  std::uint32_t channels() const { return channel_rule.last + 1U; }
  std::int64_t duration(double bytes) const {
    const double rounded_up = bytes * picoseconds_per_byte + 0.5;
    return static_cast<std::int64_t>(rounded_up);
  }
  /// With packets of a size.
  void set_capacity(BytesPerSecond capacity, Bytes packet) {
    constexpr double packets_ahead = 32;
    picoseconds_per_byte = capacity > BytesPerSecond(0) ? 1e12 / capacity.value() : 0;
    ahead = duration(packets_ahead * packet.value());
  }
  /// As `duration`, with what was rounded off before: many small packets take as long as one that is as large as all.
  std::int64_t take_duration(double bytes) {
    const double exact = bytes * picoseconds_per_byte + rounding;
    const auto whole = static_cast<std::int64_t>(exact);
    rounding = exact - static_cast<double>(whole);
    return whole;
  }

  // statistics, in picoseconds and bytes
  std::uint64_t packets = 0;
  double bytes = 0;
  std::int64_t busy = 0;
  double queue_most = 0;
  double queue_time = 0;  ///< bytes x picoseconds
  std::uint64_t stalls = 0;
  std::int64_t stalled = 0;
  std::uint64_t pauses = 0;
  std::int64_t paused_since = 0;
  std::int64_t paused_time = 0;
  std::uint64_t marks = 0;
  std::uint64_t drops = 0;
};

}  // namespace podium
