// Chakra execution traces as protobuf: records with their lengths in front, first GlobalMetadata, then Node. Field
// numbers are those of schema 0.0.4, which 1.x kept; older files have no version. The wire format is decoded by hand:
// a record is looked at once and only the fields that mean something here are taken out.
#include <array>
#include <bit>
#include <cmath>
#include <cstring>

#include "sim/core/text.h"
#include "sim/workload/trace_chakra.h"

namespace podium {
namespace {

constexpr std::uint64_t most_record = std::uint64_t{1} << 28;

/// One field of a message. `number` is a varint, or the bits of a fixed value; `bytes` is a message, a list or text.
struct Field {
  std::uint32_t field = 0;
  bool has_bytes = false;
  std::uint64_t number = 0;
  std::string_view bytes;
};

/// Walks the fields of a message. `ok` is false after what is no protobuf.
class Message {
 public:
  explicit Message(std::string_view bytes) : at_(bytes.data()), end_(bytes.data() + bytes.size()) {}
  bool ok() const { return ok_; }

  bool next(Field& field) {
    if (at_ == end_ || !ok_) {
      return false;
    }
    const std::uint64_t key = varint();
    field = {};
    field.field = static_cast<std::uint32_t>(key >> 3);
    switch (key & 7) {
      case 0:
        field.number = varint();
        break;
      case 1:
        field.number = fixed(8);
        break;
      case 2: {
        const std::uint64_t size = varint();
        ok_ = ok_ && size <= static_cast<std::uint64_t>(end_ - at_);
        field.has_bytes = true;
        field.bytes = ok_ ? std::string_view(at_, size) : std::string_view();
        at_ += ok_ ? size : 0;
        break;
      }
      case 5:
        field.number = fixed(4);
        break;
      default:
        ok_ = false;
    }
    return ok_ && field.field != 0;
  }

  std::uint64_t varint() {
    std::uint64_t value = 0;
    for (int shift = 0; shift < 64 && at_ != end_; shift += 7) {
      const auto byte = static_cast<std::uint8_t>(*at_++);
      value |= static_cast<std::uint64_t>(byte & 0x7F) << shift;
      if (byte < 0x80) {
        return value;
      }
    }
    ok_ = false;
    return 0;
  }
  bool at_end() const { return at_ == end_; }

 private:
  std::uint64_t fixed(std::size_t size) {
    std::uint64_t value = 0;
    ok_ = ok_ && size <= static_cast<std::size_t>(end_ - at_);
    if (ok_) {
      std::memcpy(&value, at_, size);
      at_ += size;
    }
    return value;
  }

  const char* at_;
  const char* end_;
  bool ok_ = true;
};

std::int64_t zigzag(std::uint64_t value) {
  return static_cast<std::int64_t>(value >> 1) ^ -static_cast<std::int64_t>(value & 1);
}

/// The scalar fields of AttributeProto, 3 to 31 in steps of two.
ChakraValue scalar(const Field& field) {
  switch (field.field) {
    case 3:
      return std::bit_cast<double>(field.number);
    case 5:
      return static_cast<double>(std::bit_cast<float>(static_cast<std::uint32_t>(field.number)));
    case 15:
    case 17:
      return zigzag(field.number);
    case 23:
      return static_cast<std::int64_t>(static_cast<std::int32_t>(field.number));
    case 27:
      return field.number != 0;
    case 29:
    case 31:
      return std::string(field.bytes);
    case 13:
    case 21:
      return whole_value(field.number);
    default:
      return static_cast<std::int64_t>(field.number);
  }
}

void read_ids(const Field& field, std::vector<std::uint64_t>& ids, bool& ok) {
  if (!field.has_bytes) {
    ids.push_back(field.number);
    return;
  }
  Message packed(field.bytes);
  while (!packed.at_end() && packed.ok()) {
    ids.push_back(packed.varint());
  }
  ok = ok && packed.ok();
}

/// involved_dim as a list of bools, one for each dimension.
void read_dimensions(std::string_view bytes, ChakraNode& node, bool& ok) {
  std::vector<std::uint64_t> involved;
  Message list(bytes);
  for (Field values; list.next(values);) {
    read_ids(values, involved, ok);
  }
  for (const std::uint64_t one : involved) {
    node.involve(one != 0);
  }
  ok = ok && list.ok();
}

void read_attribute(std::string_view bytes, ChakraNode& node, bool& ok) {
  constexpr std::uint32_t first_value = 3, bool_list = 28, text = 29, raw = 31;
  std::string_view name;
  Message look(bytes);
  for (Field field; look.next(field);) {
    name = field.field == 1 ? field.bytes : name;
  }
  ok = ok && look.ok();
  if (!is_chakra_attribute(name)) {
    return;
  }
  Message message(bytes);
  for (Field field; message.next(field);) {
    if (field.field == bool_list && name == "involved_dim") {
      read_dimensions(field.bytes, node, ok);
    } else if (field.field >= first_value && field.field % 2 == 0) {
      node.refuse(name, "a list of field " + std::to_string(field.field), "one value");
    } else if (field.field >= first_value) {
      node.set(name, scalar(field));
      ok = ok && field.has_bytes == (field.field == text || field.field == raw);
    }
  }
}

/// False where the bytes are no Node.
bool read_node(std::string_view bytes, ChakraNode& node) {
  node.clear();
  Message message(bytes);
  bool ok = true;
  for (;;) {
    Field field;
    if (!message.next(field)) {
      break;
    }
    switch (field.field) {
      case 1:
        node.id = field.number;
        break;
      case 2:
        node.name = field.bytes;
        break;
      case 3:
        node.type = static_cast<std::uint32_t>(std::min<std::uint64_t>(field.number, 255));
        break;
      case 4:
      case 5:
        read_ids(field, node.after, ok);
        break;
      case 7:
        node.set_duration(whole_value(field.number));
        break;
      case 8: {
        Message inputs(field.bytes);
        for (Field part; inputs.next(part);) {
          (part.field == 2 ? node.shapes : part.field == 3 ? node.types : node.ignored) = part.bytes;
        }
        ok = ok && inputs.ok();
        break;
      }
      case 10:
        read_attribute(field.bytes, node, ok);
        break;
      default:
        break;
    }
  }
  return ok && message.ok() && message.at_end();
}

/// The length in front of a record; false at the end of the file.
bool read_length(std::streambuf& in, std::uint64_t& length, bool& whole) {
  length = 0;
  for (int shift = 0; shift < 64; shift += 7) {
    const int byte = in.sbumpc();
    if (byte == std::streambuf::traits_type::eof()) {
      whole = shift == 0;
      return false;
    }
    length |= static_cast<std::uint64_t>(byte & 0x7F) << shift;
    if (byte < 0x80) {
      return true;
    }
  }
  whole = false;
  return false;
}

/// Of GlobalMetadata; older files say none.
void note_version(std::string_view metadata, Trace& trace) {
  Message message(metadata);
  Field field;
  while (message.next(field)) {
    const std::string version(field.bytes.substr(0, 32));
    if (field.field == 1 && !version.empty() && !version.starts_with("0.0.") && !version.starts_with("1.")) {
      trace.notes.insert("the schema's version is '" + printable(version) +
                         "', and 0.0.4 and 1.x are known: read as these");
    }
  }
}

void read_chakra(InputStream& in, std::uint32_t rank, const TraceOptions& options, Trace& trace) {
  ChakraProgram program(trace, in.path(), rank, options);
  std::string record;
  ChakraNode node;
  std::uint64_t number = 0, length = 0;
  bool whole = true;
  for (; read_length(*in.rdbuf(), length, whole); ++number) {
    const auto fail = [&](const std::string& problem) {
      throw InputError(in.path() + ": rank " + std::to_string(rank) + ": record " + std::to_string(number) +
                       " (before byte " + std::to_string(in.offset()) + "): " + problem);
    };
    if (length > most_record) {
      fail("its length, " + std::to_string(length) + " bytes, is beyond sense: the file is damaged or no Chakra trace");
    }
    record.resize(0);
    // a wrong length must not cost memory that the file has no bytes for
    for (std::uint64_t left = length; left > 0;) {
      constexpr std::uint64_t piece = std::uint64_t{1} << 20;
      const std::size_t start = record.size();
      const std::size_t size = std::min(left, piece);
      record.resize(start + size);
      const auto got =
          static_cast<std::size_t>(in.rdbuf()->sgetn(record.data() + start, static_cast<std::streamsize>(size)));
      if (got < size) {
        fail("the file ends inside it: " + std::to_string(start + got) + " of " + std::to_string(length) +
             " bytes are there");
      }
      left -= size;
    }
    if (number == 0) {
      note_version(record, trace);
    } else {
      if (!read_node(record, node)) {
        fail("it is no node: the file is damaged");
      }
      program.add(node);
    }
  }
  if (!whole) {
    throw InputError(in.path() + ": rank " + std::to_string(rank) + ": the file ends inside the length of record " +
                     std::to_string(number));
  }
  program.finish();
}

/// GlobalMetadata first: a version ("0.0.4"), or attributes.
bool recognises_chakra(std::string_view head) {
  Message start(head);
  const std::uint64_t length = start.varint();
  if (!start.ok() || length < 2 || length > 4096 || head.size() < 3) {
    return false;
  }
  const std::string_view body = head.substr(length < 128 ? 1 : 2, length);
  Message message(body);
  Field field;
  if (!message.next(field)) {
    return false;
  }
  do {
    if ((field.field != 1 && field.field != 2) || field.bytes.empty()) {
      return false;
    }
  } while (message.next(field));
  return body.size() < length || message.ok();
}

const TraceFormats::Entry trace_chakra_entry{"chakra",
                                             "Chakra execution traces as protobuf, schema 0.0.4 and 1.x, a file a rank",
                                             {recognises_chakra, read_chakra, true, true, false}};

}  // namespace
}  // namespace podium
