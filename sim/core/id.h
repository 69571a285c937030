#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <utility>
#include <vector>

#include "sim/core/check.h"

namespace podium {

/// An index that cannot be mixed with another kind. `Tag` is any type, by custom the thing that is indexed.
template <class Tag>
class Id {
 public:
  constexpr Id() = default;
  constexpr explicit Id(std::size_t index) : index_(static_cast<std::uint32_t>(index)) {}
  constexpr std::uint32_t index() const { return index_; }
  constexpr auto operator<=>(const Id&) const = default;

 private:
  std::uint32_t index_ = 0;
};

/// The ids [0, size) in order, for range-for.
template <class Key>
class IdRange {
 public:
  class Iterator {
   public:
    constexpr explicit Iterator(std::size_t index) : index_(index) {}
    constexpr Key operator*() const { return Key(index_); }
    constexpr Iterator& operator++() {
      ++index_;
      return *this;
    }
    constexpr bool operator==(const Iterator&) const = default;

   private:
    std::size_t index_;
  };
  constexpr explicit IdRange(std::size_t size) : size_(size) {}
  constexpr Iterator begin() const { return Iterator(0); }
  constexpr Iterator end() const { return Iterator(size_); }

 private:
  std::size_t size_;
};

/// A vector that is indexed by one kind of id only.
template <class Key, class T>
class Table {
 public:
  Table() = default;
  explicit Table(std::size_t size, const T& value = T()) : items_(size, value) {}
  Table(std::initializer_list<T> items) : items_(items) {}

  T& operator[](Key id) { return items_[id.index()]; }
  const T& operator[](Key id) const { return items_[id.index()]; }
  T& at(Key id) {
    PODIUM_CHECK(id.index() < items_.size());
    return items_[id.index()];
  }
  const T& at(Key id) const {
    PODIUM_CHECK(id.index() < items_.size());
    return items_[id.index()];
  }

  Key push_back(T item) {
    items_.push_back(std::move(item));
    return Key(items_.size() - 1);
  }
  std::size_t size() const { return items_.size(); }
  bool empty() const { return items_.empty(); }
  void resize(std::size_t size, const T& value = T()) { items_.resize(size, value); }
  void reserve(std::size_t size) { items_.reserve(size); }

  IdRange<Key> ids() const { return IdRange<Key>(items_.size()); }
  auto begin() { return items_.begin(); }
  auto end() { return items_.end(); }
  auto begin() const { return items_.begin(); }
  auto end() const { return items_.end(); }

  bool operator==(const Table&) const = default;

 private:
  std::vector<T> items_;
};

}  // namespace podium
