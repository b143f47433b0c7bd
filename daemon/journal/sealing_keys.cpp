#include "journal/sealing_keys.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <optional>
#include <utility>

namespace relay {

namespace {

constexpr std::size_t hash_secret_size = 32;

struct RecordedKey {
  std::string id;
  std::string sealed_secret;
  std::int64_t first_seq = 0;
  std::int64_t end_seq = 0;  // INT64_MAX: it seals now
};

std::vector<RecordedKey> recorded_keys(Connection& connection) {
  std::vector<RecordedKey> recorded;
  if (sealing_keys_of(connection) == 0) return recorded;
  Statement all(connection, "SELECT key_id, sealed_secret, first_seq, end_seq FROM sealing_key ORDER BY first_seq");
  for (Rows rows = all.rows(); rows.next();) {
    recorded.push_back(
        {rows.string(0), rows.string(1), rows.integer(2), rows.is_null(3) ? INT64_MAX : rows.integer(3)});
  }
  return recorded;
}

std::string id_of(const SealingKey& key) {
  return {key.id().begin(), key.id().end()};
}

const SealingKey* find_key(const std::vector<SealingKey>& keys, const std::string& id) {
  const auto found = std::find_if(keys.begin(), keys.end(), [&](const SealingKey& key) { return id_of(key) == id; });
  return found == keys.end() ? nullptr : &*found;
}

std::string secret_bound_to(const Uuid& journal_id) {
  return "hash secret\n" + std::string(journal_id.bytes.begin(), journal_id.bytes.end());
}

// Whether anything is left that this key has sealed: submissions taken while it was the first, and texts of remote
// sides about older ones. Looks at rows one by one, but only where a key is missing.
bool is_needed(Connection& connection, const RecordedKey& key) {
  Statement taken(connection, "SELECT 1 FROM submission WHERE seq >= ?1 AND seq < ?2 LIMIT 1");
  if (taken.rows(key.first_seq, key.end_seq).next()) return true;
  Statement told(connection,
                 "SELECT 1 FROM attempt WHERE seq < ?1 AND typeof(remote_text) = 'blob'"
                 " AND substr(remote_text, 2, 4) = ?2 LIMIT 1");
  return told.rows(key.first_seq, Blob{key.id}).next();
}

std::string missing_key(const RecordedKey& missing, const std::vector<SealingKey>& keys) {
  if (keys.empty()) {
    return fmt::format(
        "holds submissions that are sealed, and journal.encryption_key isn't set: put the key with the id {} back; "
        "encryption can't be turned off while anything is kept that was sealed",
        hex_encode(missing.id));
  }
  std::string given;
  for (const SealingKey& key : keys) given += (given.empty() ? "" : ", ") + key.id_text();
  return fmt::format(
      "holds submissions that are sealed with another key (id {}) than journal.encryption_key gives (id {}): put that "
      "key back, behind the new one where it is to be replaced (a list: the first seals, all open)",
      hex_encode(missing.id), given);
}

}  // namespace

std::int64_t sealing_keys_of(Connection& connection) {
  if (connection.integer("SELECT count(*) FROM sqlite_schema WHERE type = 'table' AND name = 'sealing_key'") == 0) {
    return 0;
  }
  return connection.integer("SELECT count(*) FROM sealing_key");
}

Result<std::shared_ptr<const PayloadCipher>> unlock_journal(Connection& connection, const Uuid& journal_id,
                                                            const std::vector<Secret>& given) {
  std::vector<SealingKey> keys(given.begin(), given.end());
  std::optional<std::string> hash_secret;
  for (const RecordedKey& recorded : recorded_keys(connection)) {
    const SealingKey* key = find_key(keys, recorded.id);
    if (key == nullptr) {
      if (is_needed(connection, recorded)) return fail(missing_key(recorded, keys));
      continue;
    }
    hash_secret = key->open(recorded.sealed_secret, secret_bound_to(journal_id));
    if (!hash_secret || hash_secret->size() != hash_secret_size) {
      return fail(
          fmt::format("is damaged: what the key with the id {} has sealed of its own doesn't open; run "
                      "`edge-relay verify`, and put back a copy",
                      key->id_text()));
    }
  }
  if (keys.empty()) return std::make_shared<const PayloadCipher>();
  if (!hash_secret) hash_secret = random_bytes(hash_secret_size);
  return std::make_shared<const PayloadCipher>(std::move(keys), Secret(std::move(*hash_secret)));
}

void record_sealing_keys(Connection& connection, const Uuid& journal_id, std::int64_t next_seq,
                         const PayloadCipher& cipher) {
  const std::string first = cipher.seals() ? id_of(cipher.keys().front()) : "";
  bool first_is_there = false;
  std::vector<std::string> dropped;
  std::vector<std::string> ended;
  for (const RecordedKey& recorded : recorded_keys(connection)) {
    if (recorded.id == first) {
      first_is_there = recorded.end_seq == INT64_MAX;
    } else if (find_key(cipher.keys(), recorded.id) == nullptr) {
      dropped.push_back(recorded.id);  // nothing needs it, or the journal wouldn't have been unlocked
    } else if (recorded.end_seq == INT64_MAX) {
      ended.push_back(recorded.id);
    }
  }
  if (dropped.empty() && ended.empty() && (first_is_there || first.empty())) return;
  connection.execute("BEGIN IMMEDIATE");
  for (const std::string& id : dropped) {
    Statement(connection, "DELETE FROM sealing_key WHERE key_id = ?1").run(Blob{id});
  }
  for (const std::string& id : ended) {
    Statement(connection, "UPDATE sealing_key SET end_seq = ?2 WHERE key_id = ?1").run(Blob{id}, next_seq);
  }
  if (cipher.seals() && !first_is_there) {
    const std::string sealed = cipher.sealed_hash_secret(secret_bound_to(journal_id));
    // One that comes back after another stays responsible for what it sealed before.
    Statement(connection,
              "INSERT INTO sealing_key VALUES (?1, ?2, ?3, NULL)"
              " ON CONFLICT (key_id) DO UPDATE SET end_seq = NULL")
        .run(Blob{first}, Blob{sealed}, next_seq);
  }
  connection.execute("COMMIT");
}

}  // namespace relay
