// A record's layout as data: one table of fields per record, from which come the proof that the
// fields tile the struct, the layout hash of every segment header, and generic printing.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <type_traits>

namespace sluice {

// How a tool prints a field.
enum class FieldKind : std::uint8_t { Integer, Amount, Time, Duration, Enum, Id, Reserved };

struct Field {
  std::string_view name;
  std::size_t offset;
  std::size_t size;
  FieldKind kind;
};

template <class T>
struct Layout;  // specialised beside each record: name, version, fields

// FNV-1a. Not a defence, a fingerprint: two builds with different layouts must not share a segment.
constexpr std::uint64_t fnv1a(std::string_view text,
                              std::uint64_t hash = 0xcbf29ce484222325) noexcept {
  for (const char c : text) hash = (hash ^ static_cast<std::uint8_t>(c)) * 0x100000001b3;
  return hash;
}
constexpr std::uint64_t fnv1a(std::uint64_t value, std::uint64_t hash) noexcept {
  for (int i = 0; i < 8; ++i, value >>= 8) hash = (hash ^ (value & 0xff)) * 0x100000001b3;
  return hash;
}

template <class T>
consteval std::uint64_t layout_hash() {
  std::uint64_t hash = fnv1a(Layout<T>::kName);
  hash = fnv1a(std::uint64_t{Layout<T>::kVersion}, hash);
  hash = fnv1a(std::uint64_t{sizeof(T)}, hash);
  for (const Field& field : Layout<T>::kFields) {
    hash = fnv1a(field.name, hash);
    hash = fnv1a(std::uint64_t{field.offset} << 32 | field.size, hash);
  }
  return hash;
}

// True if the fields, in order, cover the struct without gap or overlap.
template <class T>
consteval bool fields_tile() {
  std::size_t next = 0;
  for (const Field& field : Layout<T>::kFields) {
    if (field.offset != next) return false;
    next += field.size;
  }
  return next == sizeof(T);
}

#define SLUICE_FIELD(type, member, kind)                                             \
  ::sluice::Field {                                                                  \
#member, offsetof(type, member), sizeof(type::member), ::sluice::FieldKind::kind \
  }

}  // namespace sluice
