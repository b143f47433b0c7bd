// ReportStream's API as the conformance suite sees it.
#include <fstream>
#include <mutex>

#include <boost/json/parse.hpp>
#include <boost/json/value.hpp>

#include "base/json_web_key.hpp"
#include "support/conformance.hpp"
#include "support/fault_http_server.hpp"
#include "support/temporary_folder.hpp"

namespace relay {
namespace {

FaultAnswer answer(unsigned status, std::string body, std::string type = "application/json") {
  FaultAnswer made;
  made.status = status;
  made.headers = {{"Content-Type", std::move(type)}};
  made.body = std::move(body);
  return made;
}

// `kid` of the assertion in a token's form.
std::string key_id_in(const std::string& form) {
  const std::string name = "client_assertion=";
  const auto begin = form.rfind(name) + name.size();
  const auto header = base64url_decode(std::string_view(form).substr(begin, form.find('.', begin) - begin));
  if (!header) return {};
  return std::string(boost::json::parse(*header).as_object().at("kid").as_string());
}

class ReportStreamPeer final : public ConformancePeer {
 public:
  explicit ReportStreamPeer(bool with_token)
      : with_token_(with_token),
        key_file_(folder_.path() / "key"),
        server_([this](const SeenRequest& request) { return serve(request); }) {
    change_credential();
  }

  DestinationSettings settings() override {
    ReportStreamSettings reportstream;
    reportstream.url = server_.url();
    const SecretText key("${file:" + key_file_.string() + "}", Secret(key_));
    if (with_token_) {
      PrivateKeyJwtSettings jwt;
      jwt.key = key;
      jwt.audience = "127.0.0.1";
      jwt.issuer = "Lab";
      jwt.token_url = server_.url() + "/api/token";
      reportstream.auth = jwt;
    } else {
      reportstream.auth = FunctionKeySettings{key};
    }
    DestinationSettings settings;
    settings.name = "reportstream";
    settings.system = reportstream;
    settings.timeout = std::chrono::milliseconds(500);
    return settings;
  }

  bool can_be(PeerMood) const override { return true; }
  void be(PeerMood mood) override { mood_ = mood; }
  void go_away() override { server_.stop(); }
  void come_back() override { server_.start(); }

  std::optional<std::string> taken(const Submission& submission) override {
    const std::lock_guard lock(mutex_);
    const auto found = taken_.find(submission.id.text());
    return found == taken_.end() ? std::nullopt : std::optional(found->second);
  }
  std::size_t times_seen(const Submission& submission) override {
    const std::lock_guard lock(mutex_);
    const auto found = times_.find(submission.id.text());
    return found == times_.end() ? 0 : found->second;
  }
  bool change_credential() override {
    const std::lock_guard lock(mutex_);
    if (with_token_) {
      const JsonWebKey key = JsonWebKey::generate(JwsAlgorithm::es256);
      key_ = key.private_pem().reveal();
      expected_key_id_ = key.key_id();
      ++token_;  // what was given out before is worth nothing
    } else {
      key_ = "function-key-" + std::to_string(++token_);
    }
    std::ofstream(key_file_) << key_ << "\n";
    return true;
  }

 private:
  std::string credential() const { return with_token_ ? "Bearer token-" + std::to_string(token_) : key_; }

  FaultAnswer serve(const SeenRequest& request) {
    const std::lock_guard lock(mutex_);
    if (request.target == "/api/token") return give_token(request);
    if (request.method != "POST") return answer(405, "");
    const auto credential_header = request.headers.find(with_token_ ? "authorization" : "x-functions-key");
    if (credential_header == request.headers.end() || credential_header->second != credential())
      return answer(401, R"({"error":"Authentication Failed"})");
    return take(request);
  }

  FaultAnswer give_token(const SeenRequest& request) {
    if (key_id_in(request.body) != expected_key_id_) return answer(401, R"({"error":"no_valid_keys"})");
    return answer(200, R"({"sub":"Lab","access_token":"token-)" + std::to_string(token_) +
                           R"(","token_type":"bearer","expires_in":300,"scope":"Lab.*.report"})");
  }

  FaultAnswer take(const SeenRequest& request) {
    switch (mood_.load()) {
      case PeerMood::taking:
        break;
      case PeerMood::refusing:
        return answer(422, R"({"id":null,"errors":[{"errorCode":"INVALID_MSG_PARSE"}]})");
      case PeerMood::busy: {
        FaultAnswer busy = answer(503, "");
        busy.headers.emplace_back("Retry-After", "7");
        return busy;
      }
      case PeerMood::barring:
        return answer(403, "");
      case PeerMood::silent:
        return FaultAnswer{FaultAnswer::Kind::hang, 0, {}, {}};
      case PeerMood::cut_off:
        return FaultAnswer{FaultAnswer::Kind::close, 0, {}, {}};
      case PeerMood::alien:
        return answer(200, "<!DOCTYPE html><html><body>Welcome to our network</body></html>", "text/html");
    }
    const std::string name = request.headers.at("payloadname");
    const std::string id = name.substr(name.size() - 36);
    taken_[id] = request.body;
    ++times_[id];
    return answer(201, R"({"id":"r-)" + id + R"(","submissionId":17,"overallStatus":"Received"})");
  }

  const bool with_token_;
  TemporaryFolder folder_;
  std::filesystem::path key_file_;
  std::mutex mutex_;
  std::string key_;
  std::string expected_key_id_;
  int token_ = 0;
  std::map<std::string, std::string> taken_;
  std::map<std::string, std::size_t> times_;
  std::atomic<PeerMood> mood_ = PeerMood::taking;
  FaultHttpServer server_;
};

}  // namespace

std::unique_ptr<ConformancePeer> make_reportstream_peer() {
  return std::make_unique<ReportStreamPeer>(true);
}
std::unique_ptr<ConformancePeer> make_reportstream_function_key_peer() {
  return std::make_unique<ReportStreamPeer>(false);
}

}  // namespace relay
