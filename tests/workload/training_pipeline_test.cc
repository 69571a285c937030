#include <gtest/gtest.h>

#include <algorithm>
#include <map>

#include "sim/workload/training.h"
#include "tests/workload/graph_tools.h"
#include "tests/workload/training_examples.h"

namespace podium::test {
namespace {

enum class Messages { eager, rendezvous };

/// Runs a step's graph without a machine: a layer's forward and backward take the given times, all else takes none. A
/// message is there as soon as it is sent (eager), or both sides wait for each other (rendezvous).
class Interpreter {
 public:
  Interpreter(const TaskGraph& graph, Messages messages, double forward, double backward)
      : graph_(graph), messages_(messages), forward_(forward), backward_(backward), end_(graph.tasks().size(), -1) {
    for (const TaskId id : graph.tasks().ids()) {
      queues_[{graph.tasks()[id].role, graph.tasks()[id].stream}].tasks.push_back(id);
    }
  }

  /// The time at which the last task ends; negative where the graph cannot end.
  double run() {
    bool moved = true;
    while (moved) {
      moved = false;
      for (auto& [place, queue] : queues_) {
        while (queue.next < queue.tasks.size() && try_task(queue)) {
          moved = true;
        }
      }
    }
    double last = 0;
    for (const double end : end_) {
      if (end < 0) {
        return -1;
      }
      last = std::max(last, end);
    }
    return last;
  }

 private:
  struct Queue {
    std::vector<TaskId> tasks;
    std::size_t next = 0;
    double free = 0;
  };
  using Channel = std::tuple<RoleId, RoleId, std::uint32_t>;

  bool try_task(Queue& queue) {
    const TaskId id = queue.tasks[queue.next];
    const Task& task = graph_.tasks()[id];
    double begin = queue.free;
    for (const TaskId before : graph_.after(task)) {
      if (end_[before] < 0) {
        return false;
      }
      begin = std::max(begin, end_[before]);
    }
    const double end = end_of(task, begin);
    if (end < 0) {
      return false;
    }
    end_[id] = queue.free = end;
    ++queue.next;
    return true;
  }

  double end_of(const Task& task, double begin) {
    if (const auto* block = std::get_if<BlockTask>(&task.payload)) {
      return begin + block->repeat * time_of(graph_.blocks()[block->block.index()]);
    }
    if (const auto* send = std::get_if<SendTask>(&task.payload)) {
      const Channel channel{task.role, send->to, send->tag};
      sent_.emplace(channel, begin);
      return messages_ == Messages::eager ? begin : met(channel);
    }
    if (const auto* receive = std::get_if<ReceiveTask>(&task.payload)) {
      const Channel channel{receive->from, task.role, receive->tag};
      awaited_.emplace(channel, begin);
      return met(channel);
    }
    return begin;
  }

  double met(const Channel& channel) const {
    const auto sent = sent_.find(channel);
    const auto awaited = awaited_.find(channel);
    return sent == sent_.end() || awaited == awaited_.end() ? -1 : std::max(sent->second, awaited->second);
  }

  double time_of(const TaskGraph& block) const {
    for (const auto& kernels : block.kernels()) {
      for (const Kernel& kernel : kernels) {
        if (std::holds_alternative<Attention>(kernel)) {
          return block.labels().front() == "forward" ? forward_ : backward_;
        }
      }
    }
    return 0;
  }

  const TaskGraph& graph_;
  Messages messages_;
  double forward_, backward_;
  Table<TaskId, double> end_;
  std::map<std::pair<RoleId, std::uint16_t>, Queue> queues_;
  std::map<Channel, double> sent_, awaited_;
};

class Pipeline : public testing::TestWithParam<std::uint32_t> {
 protected:
  template <class Body>
  void for_all_depths(Body body) {
    const std::uint32_t stages = GetParam();
    for (std::uint32_t chunks = 1; chunks <= (stages > 1 ? 4u : 1u); ++chunks) {
      for (std::uint32_t micro_batches = stages; micro_batches <= 3 * stages; micro_batches += stages) {
        SCOPED_TRACE(testing::Message() << stages << " stages, " << chunks << " chunks, " << micro_batches);
        const TrainingPlan plan = small_plan(stages, chunks, micro_batches);
        body(plan, training_step(small_model(std::size_t{stages} * chunks), test_chip(), plan));
      }
    }
  }
};

TEST_P(Pipeline, EndsWhateverTheMessagesWaitFor) {
  for_all_depths([](const TrainingPlan&, const TaskGraph& graph) {
    for (const Messages messages : {Messages::eager, Messages::rendezvous}) {
      EXPECT_GT(Interpreter(graph, messages, 1, 2).run(), 0);
    }
  });
}

// Narayanan et al., arXiv 2104.04473, section 2.2: m micro-batches and a bubble of (p - 1) / v of them
TEST_P(Pipeline, TakesTheTimeOfItsBubbleAndNoMore) {
  for_all_depths([](const TrainingPlan& plan, const TaskGraph& graph) {
    for (const Messages messages : {Messages::eager, Messages::rendezvous}) {
      for (const auto& [forward, backward] : {std::pair{1.0, 1.0}, {1.0, 2.0}, {3.0, 4.0}}) {
        const double pass = plan.virtual_stages * (forward + backward);
        const double bubble = double(plan.pp - 1) / plan.virtual_stages;
        EXPECT_DOUBLE_EQ(Interpreter(graph, messages, forward, backward).run(), (plan.micro_batches() + bubble) * pass);
      }
    }
  });
}

TEST_P(Pipeline, EndsWithAnyNumberOfMicroBatches) {
  for (std::uint32_t micro_batches = 1; micro_batches <= 2 * GetParam() + 1; ++micro_batches) {
    const TrainingPlan plan = small_plan(GetParam(), 1, micro_batches);
    const TaskGraph graph = training_step(small_model(GetParam()), test_chip(), plan);
    EXPECT_DOUBLE_EQ(Interpreter(graph, Messages::rendezvous, 1, 2).run(), (micro_batches + GetParam() - 1.0) * 3);
  }
}

TEST_P(Pipeline, ReceivesWhatIsSentAndNothingElse) {
  for_all_depths([](const TrainingPlan& plan, const TaskGraph& graph) {
    std::map<std::tuple<RoleId, RoleId, std::uint32_t>, int> messages;
    std::size_t sends = 0;
    for (const Task& task : graph.tasks()) {
      if (const auto* send = std::get_if<SendTask>(&task.payload)) {
        messages[{task.role, send->to, send->tag}] += 1;
        ++sends;
      } else if (const auto* receive = std::get_if<ReceiveTask>(&task.payload)) {
        messages[{receive->from, task.role, receive->tag}] += 2;
      }
    }
    EXPECT_TRUE(std::all_of(messages.begin(), messages.end(), [](const auto& entry) { return entry.second == 3; }));
    EXPECT_EQ(sends, messages.size());
    EXPECT_EQ(double(sends), 2 * plan.micro_batches() * (plan.pp * plan.virtual_stages - 1));
  });
}

INSTANTIATE_TEST_SUITE_P(Depths, Pipeline, testing::Range(1u, 9u));

}  // namespace
}  // namespace podium::test
