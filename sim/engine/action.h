#pragma once

#include <cstddef>
#include <new>
#include <type_traits>
#include <utility>

namespace podium {

/// A move-only callable that lives in place: 48 bytes of captures, a larger one does not compile, nothing is allocated.
/// With its one pointer of operations it is 56 bytes, so that an event fits a cache line.
class Action {
 public:
  static constexpr std::size_t capacity = 48;

  Action() = default;

  /// Any callable is an action.
  template <class F>
  requires(!std::is_same_v<std::remove_cvref_t<F>, Action>)
      Action(F&& f) {  // NOLINT(bugprone-forwarding-reference-overload,google-explicit-constructor)
    emplace(std::forward<F>(f));
  }

  Action(Action&& other) noexcept { take(other); }
  Action& operator=(Action&& other) noexcept {
    if (this != &other) {
      reset();
      take(other);
    }
    return *this;
  }
  Action(const Action&) = delete;
  Action& operator=(const Action&) = delete;
  ~Action() { reset(); }

  /// Holds `f` instead, built where it will lie.
  template <class F>
  requires(!std::is_same_v<std::remove_cvref_t<F>, Action>) void emplace(F&& f) {
    using Callable = std::remove_cvref_t<F>;
    static_assert(sizeof(Callable) <= capacity, "capture less: an action has 48 bytes");
    static_assert(alignof(Callable) <= alignof(void*), "an action is aligned as a pointer is");
    static_assert(std::is_nothrow_move_constructible_v<Callable>);
    reset();
    ::new (static_cast<void*>(storage_)) Callable(std::forward<F>(f));
    operations_ = &operations_of<Callable>;
  }
  void emplace(Action&& other) noexcept { *this = std::move(other); }

  /// Holds nothing afterwards.
  void reset() {
    const Operations* operations = std::exchange(operations_, nullptr);
    if (operations != nullptr && operations->destroy != nullptr) {
      operations->destroy(storage_);
    }
  }

  explicit operator bool() const { return operations_ != nullptr; }
  void operator()() { operations_->call(storage_); }

 private:
  struct Operations {
    void (*call)(void* self);
    void (*relocate)(void* from, void* to);
    void (*destroy)(void* self);  ///< null where there is nothing to do
  };

  template <class Callable>
  static constexpr Operations operations_of = {
      [](void* self) { (*static_cast<Callable*>(self))(); },
      [](void* from, void* to) {
        ::new (to) Callable(std::move(*static_cast<Callable*>(from)));
        static_cast<Callable*>(from)->~Callable();
      },
      std::is_trivially_destructible_v<Callable> ? nullptr
                                                 : +[](void* self) { static_cast<Callable*>(self)->~Callable(); },
  };

  void take(Action& other) {
    operations_ = std::exchange(other.operations_, nullptr);
    if (operations_ != nullptr) {
      operations_->relocate(other.storage_, storage_);
    }
  }

  alignas(void*) std::byte storage_[capacity];
  const Operations* operations_ = nullptr;
};

}  // namespace podium
