#include "core/otp/counted_post_guard.h"

namespace otpgw::otp {

CountedPostGuard::CountedPostGuard(Parts parts, const config::Limits& limits)
    : parts_(std::move(parts)), report_(parts_.metrics, parts_.vault) {
  reconfigure(limits);
}

void CountedPostGuard::reconfigure(const config::Limits& limits) {
  policy_ = std::make_shared<const limits::Policy>(limits, parts_.vault);
}

std::optional<std::chrono::seconds> CountedPostGuard::begin(const std::string& client) {
  const auto accounts = policy_->page_posts(client);
  if (accounts.empty()) return {};
  const auto under_way = under_way_.find(client);
  const auto found = parts_.store.over(accounts, under_way == under_way_.end() ? 0 : under_way->second);
  // Without its store the gateway can evaluate nothing: the page says so.
  if (found && *found) {
    report_.reached(limits::Limit::ip_posts, policy_->enforces(), {}, client);
    if (policy_->enforces()) return std::chrono::seconds{((*found)->wait_ms + 999) / 1000};
  }
  ++under_way_[client];
  return {};
}

void CountedPostGuard::end(std::string client, bool failed, std::move_only_function<void()> done) {
  auto accounts = policy_->page_posts(client);
  if (!failed || accounts.empty()) {
    ended(client);
    return done();
  }
  parts_.store.count(
      std::move(accounts), policy_,
      [this, client = std::move(client),
       done = std::move(done)](const std::expected<bool, store::Error>&) mutable {
        parts_.scheduler.post([this, client = std::move(client), done = std::move(done)]() mutable {
          ended(client);
          done();
        });
      });
}

void CountedPostGuard::ended(const std::string& client) {
  const auto found = under_way_.find(client);
  if (found != under_way_.end() && --found->second <= 0) under_way_.erase(found);
}

}  // namespace otpgw::otp
