#include "sim/collective/uneven.h"

#include <algorithm>
#include <cmath>
#include <fstream>
#include <map>

#include "sim/config/config.h"

namespace podium {

namespace {

std::vector<Bytes> read_row(const std::string& line, const Location& where) {
  std::vector<Bytes> row;
  for (std::size_t begin = 0; begin <= line.size();) {
    const std::size_t end = std::min(line.find(',', begin), line.size());
    std::string text = line.substr(begin, end - begin);
    if (!text.empty() && std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; })) {
      text += " B";
    }
    const Bytes size = parse_quantity<Bytes>(text, where);
    if (size.value() != std::floor(size.value()) || size < Bytes()) {
      throw InputError(where, "'" + text + "' is not a whole number of bytes");
    }
    row.push_back(size);
    begin = end + 1;
  }
  return row;
}

}  // namespace

SizeMatrix read_sizes(const std::string& path) {
  std::ifstream file(path);
  if (!file) {
    throw InputError({path}, "cannot be read");
  }
  SizeMatrix sizes;
  for (std::string line; std::getline(file, line);) {
    const Location where{path, static_cast<std::uint32_t>(sizes.size() + 1)};
    sizes.push_back(read_row(line, where));
    if (sizes.back().size() != sizes.front().size()) {
      throw InputError(where, std::to_string(sizes.back().size()) + " sizes, the first row has " +
                                  std::to_string(sizes.front().size()));
    }
  }
  if (sizes.size() < 2 || sizes.size() != sizes.front().size()) {
    throw InputError({path}, std::to_string(sizes.size()) + " rows of " +
                                 std::to_string(sizes.empty() ? 0 : sizes.front().size()) +
                                 " sizes; as many of both are right, two or more");
  }
  if (largest_exchange(sizes) == Bytes()) {
    throw InputError({path}, "nobody has anything to send to another");
  }
  return sizes;
}

Bytes largest_exchange(const SizeMatrix& sizes) {
  Bytes largest;
  for (std::size_t rank = 0; rank < sizes.size(); ++rank) {
    Bytes sent, received;
    for (std::size_t other = 0; other < sizes.size(); ++other) {
      sent += other == rank ? Bytes() : sizes[rank][other];
      received += other == rank ? Bytes() : sizes[other][rank];
    }
    largest = std::max({largest, sent, received});
  }
  return largest;
}

Schedule uneven_exchange(const SizeMatrix& sizes) {
  const Bytes all = largest_exchange(sizes);
  std::map<Bytes, Step> by_size;
  for (std::uint32_t from = 0; from < sizes.size(); ++from) {
    for (std::uint32_t to = 0; to < sizes.size(); ++to) {
      const Bytes size = sizes[from][to];
      if (from != to && size > Bytes()) {
        Step& step = by_size[size];
        step.pairing = Pairing::listed;
        step.share = size / all;
        step.pairs.emplace_back(from, to);
      }
    }
  }
  Schedule schedule{"uneven", static_cast<std::uint32_t>(sizes.size()), {}};
  for (auto& [size, step] : by_size) {
    schedule.stages.resize(1);
    schedule.stages.front().push_back(std::move(step));
  }
  return schedule;
}

std::string flaw_of(const SizeMatrix& sizes, const Schedule& schedule) {
  SizeMatrix left = sizes;
  const Bytes all = largest_exchange(sizes);
  for (const std::vector<Step>& stage : schedule.stages) {
    for (const Step& step : stage) {
      for_each_message(step, schedule.ranks, [&](std::uint32_t from, std::uint32_t to) {
        left.at(from).at(to) -= step.repeat * step.share * all;
      });
    }
  }
  for (std::size_t from = 0; from < left.size(); ++from) {
    for (std::size_t to = 0; to < left.size(); ++to) {
      if (from != to && std::abs(left[from][to].value()) > 0.5) {
        return "rank " + std::to_string(to) + " gets " + std::to_string((sizes[from][to] - left[from][to]).value()) +
               " bytes from " + std::to_string(from) + ", and should get " + std::to_string(sizes[from][to].value());
      }
    }
  }
  return {};
}

}  // namespace podium
