// Azure Storage as the conformance suite sees it.
#include <fstream>

#include "base/digest.hpp"
#include "destinations/envelope_reportstream.hpp"
#include "support/conformance.hpp"
#include "support/storage_service.hpp"
#include "support/temporary_folder.hpp"

namespace relay {
namespace {

class AzurePeer final : public ConformancePeer {
 public:
  explicit AzurePeer(ReportStreamEnvelope envelope) : envelope_(envelope), sas_file_(folder_.path() / "sas") {
    service_.interfere(
        [this](const std::string& part, const SeenRequest& request) { return interfere(part, request); });
    change_credential();
  }

  DestinationSettings settings() override {
    AzureStorageQueueSettings azure = service_.settings();
    azure.account_key = SecretText();
    azure.account_sas = SecretText("${file:" + sas_file_.string() + "}", Secret(sas()));
    azure.envelope = envelope_;
    DestinationSettings settings;
    settings.name = "azure";
    settings.system = azure;
    settings.timeout = std::chrono::milliseconds(500);
    return settings;
  }

  bool can_be(PeerMood) const override { return true; }
  void be(PeerMood mood) override { mood_ = mood; }
  void go_away() override { service_.server().stop(); }
  void come_back() override { service_.server().start(); }

  std::optional<std::string> taken(const Submission& submission) override {
    if (envelope_ == ReportStreamEnvelope::raw) return raw_message(submission);
    const auto blobs = service_.blobs();
    const auto blob = blobs.find("reports/" + reportstream_blob_name(submission));
    if (blob == blobs.end() || times_seen(submission) == 0) return std::nullopt;
    return blob->second;
  }
  std::size_t times_seen(const Submission& submission) override {
    std::size_t times = 0;
    for (const std::string& text : service_.messages()) {
      const std::string message = base64_decode(text).value();
      times += envelope_ == ReportStreamEnvelope::raw
                   ? sha256(message) == submission.sha256
                   : message.find("\"reportId\":\"" + submission.id.text() + "\"") != std::string::npos;
    }
    if (envelope_ == ReportStreamEnvelope::raw)
      return std::min<std::size_t>(times, 1);  // no identity in it to count by
    return times;
  }
  bool change_credential() override {
    ++credential_;
    std::ofstream(sas_file_) << sas() << "\n";
    service_.expect_signature("signature" + std::to_string(credential_));
    return true;
  }
  std::size_t bounded_read() const override { return 64 * 1024; }

 private:
  std::string sas() const { return "sv=2021-12-02&ss=bqt&srt=sco&sp=rwac&sig=signature" + std::to_string(credential_); }

  std::optional<std::string> raw_message(const Submission& submission) {
    for (const std::string& text : service_.messages())
      if (const std::string message = base64_decode(text).value(); sha256(message) == submission.sha256) return message;
    return std::nullopt;
  }

  std::optional<FaultAnswer> interfere(const std::string& part, const SeenRequest& request) {
    if (part != "queue" || request.method != "POST") return std::nullopt;
    switch (mood_) {
      case PeerMood::taking:
        return std::nullopt;
      case PeerMood::refusing:
        return StorageService::error(413, "RequestBodyTooLarge");
      case PeerMood::busy: {
        FaultAnswer answer = StorageService::error(503, "ServerBusy");
        answer.headers.emplace_back("Retry-After", "7");
        return answer;
      }
      case PeerMood::barring:
        return StorageService::error(403, "AuthorizationFailure");
      case PeerMood::silent:
        return FaultAnswer{FaultAnswer::Kind::hang, 0, {}, {}};
      case PeerMood::cut_off:
        return FaultAnswer{FaultAnswer::Kind::close, 0, {}, {}};
      case PeerMood::alien:
        return StorageService::web_page(201);
    }
    return std::nullopt;
  }

  ReportStreamEnvelope envelope_;
  TemporaryFolder folder_;
  std::filesystem::path sas_file_;
  int credential_ = 0;
  std::atomic<PeerMood> mood_ = PeerMood::taking;
  StorageService service_;
};

}  // namespace

std::unique_ptr<ConformancePeer> make_azure_storage_queue_peer() {
  return std::make_unique<AzurePeer>(ReportStreamEnvelope::reportstream);
}
std::unique_ptr<ConformancePeer> make_azure_raw_peer() {
  return std::make_unique<AzurePeer>(ReportStreamEnvelope::raw);
}

}  // namespace relay
