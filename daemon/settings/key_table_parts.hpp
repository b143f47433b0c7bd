// What the files of the table of keys have in common; nobody else includes this.
#pragma once

#include <initializer_list>
#include <string>

#include "settings/key_table.hpp"

namespace relay {

inline constexpr bool built = true;
inline constexpr bool not_yet = false;

KeySection section(std::string path, std::initializer_list<Key> own, std::initializer_list<Key> common = {});
// Of a destination that goes over HTTP: how it gets there, and what all destinations have.
KeySection http_destination_section(std::string path, std::initializer_list<Key> own);
// Of every destination, whatever its type.
const std::initializer_list<Key>& common_destination_keys();

}  // namespace relay
