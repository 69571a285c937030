#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <utility>
#include <vector>

#include "sim/engine/engine.h"

namespace podium {

/// Equal servers behind one queue, first come, first served: what a resource is that one job at a time can hold. Jobs
/// start in the order in which they were offered.
class Server {
 public:
  explicit Server(Engine& engine, std::uint32_t servers = 1) : engine_(engine), serving_(servers) {
    for (std::uint32_t server = servers; server-- > 0;) {
      idle_.push_back(server);
    }
  }
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  /// Runs `done` when the job has waited for a server and been served for `service`.
  void offer(Seconds service, Action done) {
    waiting_.push_back(Job{service, std::move(done)});
    start_next();
  }

  std::size_t waiting() const { return waiting_.size(); }
  std::size_t busy() const { return serving_.size() - idle_.size(); }

 private:
  struct Job {
    Seconds service;
    Action done;
  };

  void start_next() {
    if (idle_.empty() || waiting_.empty()) {
      return;
    }
    const std::uint32_t server = idle_.back();
    idle_.pop_back();
    const Seconds service = waiting_.front().service;
    serving_[server] = std::move(waiting_.front().done);
    waiting_.pop_front();
    engine_.after(service, [this, server] { finish(server); });
  }

  void finish(std::uint32_t server) {
    Action done = std::move(serving_[server]);
    idle_.push_back(server);
    start_next();
    done();
  }

  Engine& engine_;
  std::deque<Job> waiting_;
  std::vector<Action> serving_;  ///< by server: what follows its job
  std::vector<std::uint32_t> idle_;
};

}  // namespace podium
