// An HTTP endpoint as the conformance suite sees it: one that knows a repeat by its Idempotency-Key.
#include <atomic>
#include <fstream>
#include <map>
#include <mutex>

#include "base/digest.hpp"
#include "support/conformance.hpp"
#include "support/fault_http_server.hpp"
#include "support/temporary_folder.hpp"

namespace relay {
namespace {

FaultAnswer answer(unsigned status, std::string body = "{}", std::string type = "application/json") {
  FaultAnswer made;
  made.status = status;
  made.headers = {{"Content-Type", std::move(type)}};
  made.body = std::move(body);
  return made;
}

class HttpPeer final : public ConformancePeer {
 public:
  explicit HttpPeer(bool with_tokens)
      : with_tokens_(with_tokens),
        secret_file_(folder_.path() / "secret"),
        server_([this](const SeenRequest& request) { return serve(request); }) {
    change_credential();
  }

  DestinationSettings settings() override {
    HttpSettings http;
    http.url_before_fields = server_.url() + "/results/";
    http.url = *NameTemplate::parse(http.url_before_fields + "{client}/{id}.{extension}");
    const SecretText secret("${file:" + secret_file_.string() + "}", Secret(secret_));
    if (with_tokens_) {
      http.auth = HttpOAuthSettings{server_.url() + "/token", "relay", secret, "results.write"};
    } else {
      http.auth = HttpBearerSettings{secret};
    }
    DestinationSettings settings;
    settings.name = "endpoint";
    settings.system = http;
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
  std::size_t times_seen(const Submission& submission) override { return taken(submission) ? 1 : 0; }
  bool change_credential() override {
    const std::lock_guard lock(mutex_);
    secret_ = "secret-" + std::to_string(++credential_);
    std::ofstream(secret_file_) << secret_ << "\n";
    return true;
  }

 private:
  FaultAnswer serve(const SeenRequest& request) {
    const std::lock_guard lock(mutex_);
    if (request.target == "/token") return give_token(request);
    const auto authorization = request.headers.find("authorization");
    const std::string expected = "Bearer " + (with_tokens_ ? "token-" + std::to_string(credential_) : secret_);
    if (authorization == request.headers.end() || authorization->second != expected) return answer(401);
    return request.method == "POST" ? take(request) : answer(405, "");
  }

  FaultAnswer give_token(const SeenRequest& request) {
    const auto authorization = request.headers.find("authorization");
    if (authorization == request.headers.end() || authorization->second != "Basic " + base64_encode("relay:" + secret_))
      return answer(401, R"({"error":"invalid_client"})");
    return answer(200, R"({"access_token":"token-)" + std::to_string(credential_) +
                           R"(","token_type":"Bearer","expires_in":300,"scope":"results.write"})");
  }

  FaultAnswer take(const SeenRequest& request) {
    switch (mood_.load()) {
      case PeerMood::taking:
        break;
      case PeerMood::refusing:
        return answer(422);
      case PeerMood::busy: {
        FaultAnswer busy = answer(503);
        busy.headers.emplace_back("Retry-After", "7");
        return busy;
      }
      case PeerMood::barring:
        return answer(403);
      case PeerMood::silent:
        return FaultAnswer{FaultAnswer::Kind::hang, 0, {}, {}};
      case PeerMood::cut_off:
        return FaultAnswer{FaultAnswer::Kind::close, 0, {}, {}};
      case PeerMood::alien:
        return answer(200, "<!DOCTYPE html><html><body>Welcome to our network</body></html>", "text/html");
    }
    taken_[request.headers.at("idempotency-key")] = request.body;
    return answer(201);
  }

  const bool with_tokens_;
  TemporaryFolder folder_;
  std::filesystem::path secret_file_;
  std::mutex mutex_;
  std::string secret_;
  int credential_ = 0;
  std::map<std::string, std::string> taken_;
  std::atomic<PeerMood> mood_ = PeerMood::taking;
  FaultHttpServer server_;
};

}  // namespace

std::unique_ptr<ConformancePeer> make_http_peer() {
  return std::make_unique<HttpPeer>(false);
}
std::unique_ptr<ConformancePeer> make_http_oauth_peer() {
  return std::make_unique<HttpPeer>(true);
}

}  // namespace relay
