// Files to a trace: which format, which rank, and whether ranks fit together.
#include <algorithm>
#include <filesystem>
#include <iterator>
#include <nlohmann/json.hpp>
#include <optional>

#include "sim/workload/trace.h"

namespace podium {
namespace {

constexpr std::size_t head_size = 65536;  // JSON may have long sections in front of the one that tells
std::string head_of(InputStream& in) {
  std::string head(head_size, '\0');
  head.resize(static_cast<std::size_t>(in.rdbuf()->sgetn(head.data(), head_size)));
  return head;
}

/// The first line for messages, without what a terminal would not show.
std::string shown(std::string_view head) {
  constexpr std::size_t most = 40;
  std::string text;
  for (const char c : head.substr(0, std::min(head.find('\n'), most))) {
    text += c >= ' ' && c <= '~' ? c : '?';
  }
  return text;
}

const std::string& format_of(std::string_view head, const std::string& path) {
  static const std::vector<std::string> names = TraceFormats::names();
  const auto found = std::find_if(names.begin(), names.end(),
                                  [&](const std::string& name) { return TraceFormats::find(name).recognises(head); });
  if (found == names.end()) {
    std::string known;
    for (const std::string& name : names) {
      known += (known.empty() ? "" : ", ") + name;
    }
    // what LogGOPSim's txt2bin writes has no mark of its own to know it by
    const bool binary = head.find('\0') != std::string_view::npos;
    throw InputError({path}, head.empty() ? "the file is empty"
                                          : "this is no execution trace of a known format (" + known +
                                                "): it begins with '" + shown(head) + "'" +
                                                (binary ? ". Of GOAL only the text is read: if this is the binary "
                                                          "form, name the text that it was made from"
                                                        : ""));
  }
  return *found;
}

/// "allreduce.12.et.gz" is of rank 12.
std::optional<std::uint32_t> rank_of(const std::string& path) {
  std::string name = std::filesystem::path(path).filename().string();
  for (std::size_t dot = name.rfind('.'); dot != std::string::npos; dot = name.rfind('.')) {
    const std::string part = name.substr(dot + 1);
    if (!part.empty() && part.size() < 9 && part.find_first_not_of("0123456789") == std::string::npos) {
      return static_cast<std::uint32_t>(std::stoul(part));
    }
    name.resize(dot);
  }
  return std::nullopt;
}

bool is_group_file(const std::filesystem::path& path) {
  const std::string name = path.filename().string();
  return name.starts_with("comm_group") && name.ends_with(".json");
}

/// Files as named, and those of folders by name; files of groups apart.
std::vector<std::string> files_of(const std::vector<std::string>& paths, std::set<std::string>& group_files) {
  std::vector<std::string> files;
  const auto look_for_groups = [&](const std::filesystem::path& folder) {
    for (const auto& entry : std::filesystem::directory_iterator(folder)) {
      if (is_group_file(entry.path())) {
        group_files.insert(entry.path().string());
      }
    }
  };
  for (const std::string& path : paths) {
    if (std::filesystem::is_directory(path)) {
      std::vector<std::string> inside;
      for (const auto& entry : std::filesystem::directory_iterator(path)) {
        const bool is_of_a_rank = rank_of(entry.path().string()).has_value();
        if (!entry.is_regular_file() && (is_of_a_rank || !entry.is_directory())) {
          throw InputError({entry.path().string()},
                           "is no file that can be read, and who reads the folder would leave "
                           "it out: remove it, or name the files");
        }
        if (entry.is_regular_file() && !is_group_file(entry.path())) {
          inside.push_back(entry.path().string());
        }
      }
      if (inside.empty()) {
        throw InputError({path}, "the folder has no files");
      }
      std::sort(inside.begin(), inside.end());
      files.insert(files.end(), inside.begin(), inside.end());
      look_for_groups(path);
    } else {
      files.push_back(path);
      const std::filesystem::path folder = std::filesystem::path(path).parent_path();
      if (std::filesystem::is_directory(folder.empty() ? "." : folder)) {
        look_for_groups(folder.empty() ? "." : folder);
      }
    }
  }
  return files;
}

struct TraceFile {
  std::uint32_t rank = 0;
  std::string path;
};

/// In order of ranks, which are 0 to n - 1.
std::vector<TraceFile> by_rank(const std::vector<std::string>& files, bool one_for_all) {
  std::vector<TraceFile> result;
  for (const std::string& path : files) {
    const auto rank = rank_of(path);
    if (!rank && files.size() > 1) {
      throw InputError({path}, "the file's name does not say of which rank it is (NAME.RANK.et)");
    }
    result.push_back({one_for_all ? 0 : rank.value_or(0), path});
  }
  std::sort(result.begin(), result.end(), [](const TraceFile& a, const TraceFile& b) { return a.rank < b.rank; });
  for (std::uint32_t i = 0; i < result.size(); ++i) {
    if (i > 0 && result[i].rank == result[i - 1].rank) {
      throw InputError({result[i].path},
                       "rank " + std::to_string(result[i].rank) + " has a file already: " + result[i - 1].path);
    }
    if (result[i].rank != i) {
      throw InputError({result[i].path}, "there is no file of rank " + std::to_string(i) +
                                             ", and there is one of rank " + std::to_string(result[i].rank));
    }
  }
  return result;
}

/// Of formats that say how much one rank brings to a gather or an all-gather: what is gathered, which CollectiveKind
/// counts.
void gather_parts(Trace& trace) {
  for (TraceProgram& program : trace.programs) {
    for (TraceNode& node : program.nodes) {
      if (node.operation == TraceOperation::collective && is_gathered(node.kind)) {
        node.bytes *= trace.size_of(trace.groups[node.group]);
      }
    }
  }
}

/// What a format's files do not say, since it is the same in all of them.
void apply_customs(const TraceFormatKind::Value& format, Trace& trace) {
  if (format.gathers_parts) {
    gather_parts(trace);
  }
  for (TraceProgram& program : trace.programs) {
    program.is_ordered = format.is_ordered;
  }
}

void check_options(const TraceOptions& options, std::size_t files, bool file_a_rank) {
  if (options.ranks > most_ranks) {
    throw InputError({"--ranks"}, "more than " + std::to_string(most_ranks) + " ranks are beyond sense");
  }
  if (file_a_rank && options.ranks > 0 && files > 1) {
    throw InputError({"--ranks"}, "the " + std::to_string(files) +
                                      " files are one a rank, so that they say how many "
                                      "ranks there are");
  }
  if (!file_a_rank && files > 1) {
    throw InputError("a trace of this format is one file for all ranks, and " + std::to_string(files) + " are named");
  }
}

}  // namespace

std::map<std::string, std::vector<std::uint32_t>> load_trace_groups(const std::string& path) {
  using Json = nlohmann::json;
  InputStream in(path, "the communicator groups");
  std::map<std::string, std::vector<std::uint32_t>> groups;
  try {
    std::set<std::string> names;
    const Json json = Json::parse(in, [&](int depth, Json::parse_event_t event, const Json& parsed) {
      if (depth == 1 && event == Json::parse_event_t::key && !names.insert(parsed.get<std::string>()).second) {
        throw InputError({path}, "group '" + parsed.get<std::string>() + "' is there twice");
      }
      return true;
    });
    if (!json.is_object()) {
      throw InputError({path}, "communicator groups are {\"NAME\": [RANK, …], …}");
    }
    for (const auto& [name, ranks] : json.items()) {
      auto& group = groups[name];
      for (const Json& rank : ranks.is_array() ? ranks : Json::array({nullptr})) {
        if (!rank.is_number_unsigned() || rank.get<std::uint64_t>() >= most_ranks) {
          throw InputError({path}, "group '" + name + "' is no list of ranks");
        }
        group.push_back(rank.get<std::uint32_t>());
      }
      std::vector<std::uint32_t> sorted = group;
      std::sort(sorted.begin(), sorted.end());
      if (group.empty() || std::adjacent_find(sorted.begin(), sorted.end()) != sorted.end()) {
        throw InputError({path}, "group '" + name + "' " + (group.empty() ? "is empty" : "has a rank twice"));
      }
    }
  } catch (const Json::exception& error) {
    throw InputError({path}, error.what());
  }
  return groups;
}

Trace read_trace(InputStream in, const TraceOptions& options, const std::string& format) {
  // the head is looked at by itself: a stream does not go back
  std::string bytes = head_of(in);
  const std::string name = format.empty() ? format_of(bytes, in.path()) : format;
  bytes.append(std::istreambuf_iterator<char>(in), {});
  Trace trace;
  InputStream whole = InputStream::of_bytes(std::move(bytes), in.path());
  const TraceFormatKind::Value& reader = TraceFormats::find(name, {"--trace-format"});
  reader.read(whole, rank_of(in.path()).value_or(0), options, trace);
  apply_customs(reader, trace);
  return trace;
}

namespace {

/// Those beside the files where nobody named others.
void find_groups(const std::set<std::string>& files, TraceOptions& options) {
  if (!options.groups.empty() || files.empty()) {
    return;
  }
  if (files.size() == 1) {
    options.groups = load_trace_groups(*files.begin());
    return;
  }
  options.why_no_groups = "several files of groups are beside the traces (" + *files.begin() + ", " +
                          *std::next(files.begin()) + (files.size() > 2 ? ", …" : "") + "): --groups FILE chooses one";
}

void add_notes(const TraceOptions& options, const std::string& format, Trace& trace) {
  const auto is_empty = [](const TraceProgram& program) { return program.nodes.empty(); };
  if (std::all_of(trace.programs.begin(), trace.programs.end(), is_empty)) {
    trace.notes.insert("the trace is empty: no rank has a node");
  }
  if (options.model_parallel > 0 && format != "astra-text") {
    trace.notes.insert("--model-parallel has no effect: it is for text workloads, and this is " + format);
  }
  const bool one_for_all = trace.programs.size() == 1 && trace.programs[0].count == options.ranks;
  if (options.ranks > 0 && !one_for_all) {
    trace.notes.insert("--ranks has no effect: the file says that it has " + std::to_string(trace.ranks()) + " ranks");
  }
}

}  // namespace

Trace load_trace(const std::vector<std::string>& paths, TraceOptions options, const std::string& format) {
  std::set<std::string> group_files;
  const std::vector<std::string> files = files_of(paths, group_files);
  PODIUM_CHECK(!files.empty(), "a trace has files");
  std::string name = format;
  if (name.empty()) {
    InputStream first(files[0], "the trace");
    name = format_of(head_of(first), files[0]);
  }
  const TraceFormatKind::Value& reader = TraceFormats::find(name, {"--trace-format"});
  check_options(options, files.size(), reader.file_a_rank);
  find_groups(group_files, options);
  Trace trace;
  const bool one_for_all = !reader.file_a_rank || options.ranks > 0;
  for (const TraceFile& file : by_rank(files, one_for_all)) {
    InputStream in(file.path, "the trace");
    if (format.empty() && files.size() > 1) {
      InputStream look(file.path, "the trace");
      if (const std::string& other = format_of(head_of(look), file.path); other != name) {
        std::string problem = "this is ";
        problem.append(other).append(", and ").append(files[0]).append(" is ").append(name);
        throw InputError({file.path}, problem);
      }
    }
    reader.read(in, file.rank, options, trace);
  }
  apply_customs(reader, trace);
  add_notes(options, name, trace);
  match_ranks(trace);
  return trace;
}

}  // namespace podium
