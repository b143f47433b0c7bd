// The tables of the journal and their versions (FORMAT.md says what each column means).
//
// A schema is made and brought up to date in one way: the steps from its version to ours, in order, in one transaction.
// So a fresh journal and one that grew up have the same text in sqlite_schema, and any other text is damage.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/clock.hpp"
#include "base/uuid.hpp"
#include "journal/database.hpp"

namespace relay {

// In the database header, where file(1) and a support call can read it: "ERJL".
inline constexpr std::int64_t journal_application_id = 0x45524A4C;
inline constexpr std::int64_t journal_schema_version = 11;
inline constexpr std::int64_t journal_page_size = 16384;

// Sets what can't be changed later (page size, auto_vacuum, WAL), then makes the tables and the journal's one row.
// Takes an empty database, also one that an earlier try left behind. An earlier `version` is what an earlier edge-relay
// made: for tests of the steps from there.
void create_schema(Connection& connection, const Uuid& journal_id, WallTime now,
                   std::int64_t version = journal_schema_version);
// Brings an older journal to journal_schema_version; nothing where it is there already.
void migrate_schema(Connection& connection);

// What is there and shouldn't be, or the other way round, one line each; empty where the schema is ours.
std::vector<std::string> schema_differences(Connection& connection);

}  // namespace relay
