#pragma once

#include <cstddef>
#include <cstring>
#include <new>
#include <type_traits>
#include <utility>

namespace podium {

/// A move-only callable that lives in place: 48 bytes of captures, a larger one does not compile, nothing is allocated.
class Action {
 public:
  static constexpr std::size_t capacity = 48;

  Action() = default;

  template <class F>
  requires(!std::is_same_v<std::remove_cvref_t<F>, Action>)
      Action(F&& f) {  // NOLINT(bugprone-forwarding-reference-overload): any callable is an action
    using Callable = std::remove_cvref_t<F>;
    static_assert(sizeof(Callable) <= capacity, "capture less: an action has 48 bytes");
    static_assert(alignof(Callable) <= alignof(std::max_align_t));
    static_assert(std::is_nothrow_move_constructible_v<Callable>);
    ::new (static_cast<void*>(storage_)) Callable(std::forward<F>(f));
    call_ = [](void* self) { (*static_cast<Callable*>(self))(); };
    relocate_ = [](void* from, void* to) {
      if (to != nullptr) {
        ::new (to) Callable(std::move(*static_cast<Callable*>(from)));
      }
      static_cast<Callable*>(from)->~Callable();
    };
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

  explicit operator bool() const { return call_ != nullptr; }
  void operator()() { call_(storage_); }

 private:
  void take(Action& other) {
    call_ = other.call_;
    relocate_ = other.relocate_;
    if (call_ != nullptr) {
      relocate_(other.storage_, storage_);
      other.call_ = nullptr;
    }
  }
  void reset() {
    if (call_ != nullptr) {
      relocate_(storage_, nullptr);
      call_ = nullptr;
    }
  }

  alignas(std::max_align_t) std::byte storage_[capacity];
  void (*call_)(void*) = nullptr;
  void (*relocate_)(void* from, void* to) = nullptr;  ///< moves to `to`, or only destroys where `to` is null
};

}  // namespace podium
