// Takes an archive of undelivered submissions apart and puts each into the journal. Fed in whatever pieces it comes.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <boost/asio/awaitable.hpp>

#include "base/digest.hpp"
#include "intake/problem.hpp"
#include "journal/operator_actions.hpp"
#include "operations/carried_json.hpp"
#include "operations/tar_archive.hpp"

namespace relay {

struct ImportCounts {
  std::uint64_t imported = 0;
  std::uint64_t already_there = 0;
  std::uint64_t without_payload = 0;      // the archive doesn't have it
  std::vector<SubmissionId> conflicting;  // the journal has another submission of that id
};

class ImportArchive {
 public:
  // The journal outlives it.
  ImportArchive(Journal& journal, Operator by);

  using Done = Result<void, RequestProblem>;
  boost::asio::awaitable<Done> feed(std::string_view bytes);
  // Whether the archive came to its end.
  Done finish() const;
  const ImportCounts& counts() const { return counts_; }

 private:
  boost::asio::awaitable<Done> take_bytes(std::string_view bytes);
  boost::asio::awaitable<Done> end_entry();
  boost::asio::awaitable<Done> commit_chunk();
  boost::asio::awaitable<Done> append();
  Done begin_entry();
  Done describe();
  Done malformed(std::string what) const;

  enum class Entry { none, metadata, payload, passed_over };

  Journal& journal_;
  const std::shared_ptr<ImportSession> session_;
  TarParser parser_;
  bool ended_ = false;
  Entry entry_ = Entry::none;
  std::string metadata_;
  // Described, with its payload still to come.
  std::optional<CarriedDescription> description_;
  std::string held_;
  std::unique_ptr<PayloadUpload> upload_;
  Sha256 hash_;
  ImportCounts counts_;
};

}  // namespace relay
