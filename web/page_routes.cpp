// Which page answers which request. GET and HEAD only look; a POST asks the OTP service, once.
#include <algorithm>
#include <tuple>
#include <utility>

#include "core/config/web_address.h"
#include "core/http/answer.h"
#include "core/http/params.h"
#include "core/limits/client_network.h"
#include "web/pages.h"
#include "web/renderer.h"

namespace otpgw::web {
namespace {

using http::Params;
using http::Reply;
using http::Request;
using http::Response;
using otp::Outcome;
using otp::Refusal;

using Captures = std::vector<std::string>;
using DescriptorPtr = std::shared_ptr<const wire::Descriptor>;

constexpr std::string_view kCode = "",
                           kAddress = "/address";  // the two pages of an OTP, as redirect() wants them

// The provider's words alone.
std::string for_people(std::string_view sentence) {
  if (sentence.starts_with(otp::kBadAddress)) sentence.remove_prefix(otp::kBadAddress.size());
  std::string words(sentence);
  if (!words.empty() && words[0] >= 'a' && words[0] <= 'z')
    words[0] = static_cast<char>(words[0] - 'a' + 'A');
  return words;
}

// 429: to be had later.
bool must_wait(const Refusal& refusal) {
  using enum Refusal::Kind;
  return refusal.kind == locked || refusal.kind == limited || refusal.kind == too_early;
}

// In the pages' words.
Complaint complaint_about(const Refusal& refusal) {
  using enum Refusal::Kind;
  const auto seconds = refusal.retry_after.count();
  if (refusal.kind == wrong_code) return {Complaint::Kind::wrong, {}};
  if (refusal.kind == too_early) return {Complaint::Kind::too_early, {}, seconds};
  if (refusal.kind == limited) {
    const bool guesses = refusal.limit == limits::Limit::address_guesses;
    return {guesses ? Complaint::Kind::guesses_limited : Complaint::Kind::sends_limited, {}, seconds};
  }
  if (refusal.limit == limits::Limit::countries) return {Complaint::Kind::bad_country, {}};
  if (!refusal.address) return {Complaint::Kind::refused, refusal.message};
  return {Complaint::Kind::address, for_people(refusal.message), 0, *refusal.address};
}

bool is_blank(std::string_view text) { return text.find_first_not_of(" \t\r\n") == std::string_view::npos; }

class Pages final : public PageRoutes, public std::enable_shared_from_this<Pages> {
 public:
  Pages(std::shared_ptr<const config::Config> config, std::shared_ptr<const Assets> assets,
        otp::Service& service, otp::PostGuard& guard)
      : config_(std::move(config)), assets_(std::move(assets)), service_(service), guard_(guard) {}

  void reconfigure(std::shared_ptr<const config::Config> config,
                   std::shared_ptr<const Assets> assets) override {
    config_ = std::move(config);
    assets_ = std::move(assets);
  }

  using Page = void (Pages::*)(const Request&, const Captures&, Reply) const;

  // A POST, unless too many of this client's have failed.
  void post(Page page, const Request& request, const Captures& captures, Reply reply) const {
    auto client = request.limit_client ? limits::client_network(request.client) : std::string();
    if (const auto wait = guard_.begin(client)) {
      const auto params = http::parse_params(request);
      const View view = view_of(request, captures, params ? *params : Params());
      return reply.send(renderer().posts_limited_page(view, wait->count()));
    }
    (this->*page)(request, captures,
                  Reply([self = shared_from_this(), client = std::move(client),
                         reply = std::move(reply)](Response&& response) mutable {
                    const bool failed = response.status >= 400 && response.status < 500;
                    // What another site made the browser send is not its owner's doing.
                    self->guard_.end(std::move(client), failed && response.status != 403,
                                     [reply = std::move(reply), response = std::move(response)]() mutable {
                                       reply.send(std::move(response));
                                     });
                  }));
  }

  void get_code(const Request& request, const Captures& captures, Reply reply) const {
    auto asked = read(request, captures);
    if (!asked) return reply.send(std::move(asked.error()));
    const auto& [view, params, otp] = *asked;
    const DescriptorPtr descriptor = service_.descriptor(otp.provider);
    if (otp.closed) return reply.send(renderer().verified_page(view, descriptor.get()));
    if (otp.to.empty()) return reply.send(renderer().redirect(view, kAddress));
    reply.send(renderer().code_page(200, view, otp, descriptor.get(), params.get("otp"), {}));
  }

  void post_code(const Request& request, const Captures& captures, Reply reply) const {
    auto asked = read(request, captures);
    if (!asked) return reply.send(std::move(asked.error()));
    auto& [view, params, otp] = *asked;
    const DescriptorPtr descriptor = service_.descriptor(otp.provider);
    if (otp.closed) return reply.send(renderer().verified_page(view, descriptor.get()));
    if (otp.to.empty()) return reply.send(renderer().redirect(view, kAddress));

    const std::string& action = params.get("action");
    if (action == "resend") {
      return service_.resend(
          view.name_space, view.id, otp::Door::page, {},
          [self = shared_from_this(), reply = std::move(reply), view](Outcome outcome) mutable {
            // A redirect, so that a reload does not send again.
            reply.send(outcome ? self->renderer().redirect(view, kCode)
                               : self->refused_code(view, outcome.error()));
          });
    }
    if (!action.empty() && action != "check") {
      return reply.send(renderer().message_page(400, view, Message::invalid, "Unknown `action`."));
    }
    const std::string& code = params.get("otp");
    if (is_blank(code)) {
      return reply.send(
          renderer().code_page(400, view, otp, descriptor.get(), {}, {Complaint::Kind::empty, {}}));
    }
    otp::CheckRequest check;
    check.name_space = view.name_space;
    check.id = view.id;
    check.code = code;
    check.door = otp::Door::page;
    service_.check(std::move(check), [self = shared_from_this(), reply = std::move(reply), view,
                                      descriptor](Outcome outcome) mutable {
      reply.send(outcome ? self->renderer().verified_page(view, descriptor.get())
                         : self->refused_code(view, outcome.error()));
    });
  }

  void get_address(const Request& request, const Captures& captures, Reply reply) const {
    auto asked = read(request, captures);
    if (!asked) return reply.send(std::move(asked.error()));
    const auto& [view, params, otp] = *asked;
    const DescriptorPtr descriptor = service_.descriptor(otp.provider);
    if (otp.closed || !can_set_address(otp)) return reply.send(renderer().redirect(view, kCode));
    // The field begins empty: who holds the link shall not read the whole address.
    reply.send(renderer().address_page(200, view, otp, descriptor.get(), {}, {}));
  }

  void post_address(const Request& request, const Captures& captures, Reply reply) const {
    auto asked = read(request, captures);
    if (!asked) return reply.send(std::move(asked.error()));
    auto& [view, params, otp] = *asked;
    const std::string& to = params.get("to");
    if (otp.closed) return reply.send(renderer().redirect(view, kCode));
    // Whether `to` is the present address makes no difference: nobody shall find out by guessing what the
    // pages mask.
    if (!can_set_address(otp)) {
      return reply.send(
          renderer().message_page(400, view, Message::fixed_address, "This address can't be changed here."));
    }
    if (is_blank(to)) {
      const DescriptorPtr descriptor = service_.descriptor(otp.provider);
      return reply.send(
          renderer().address_page(400, view, otp, descriptor.get(), {}, {Complaint::Kind::empty, {}}));
    }
    service_.set_address(
        view.name_space, view.id, to, params.get("expected"),
        [self = shared_from_this(), reply = std::move(reply), view, to](Outcome outcome) mutable {
          reply.send(outcome ? self->renderer().redirect(view, kCode)
                             : self->refused_address(view, to, outcome.error()));
        });
  }

  // What page.js polls: JSON, in the envelope of the API.
  void get_status(const Request& request, const Captures& captures, Reply reply) const {
    Response response{200, "application/json; charset=utf-8", std::string(http::kPrivate), {}};
    const auto params = http::parse_params(request);
    const Outcome found = find(view_of(request, captures, params ? *params : Params()));
    if (found) {
      const auto& otp = found->otp;
      response.body =
          R"({"status":"success","data":{"closed":)" + std::string(otp.closed ? "true" : "false") +
          R"(,"delivery":{"state":")" + otp::to_string(otp.delivery.state) + '"' +
          (renderer().retrying(otp) ? R"(,"retrying":true)" : "") +
          (otp.has_fallback() ? R"(,"step":)" + std::to_string(otp.fallback.current) : "") + "}}}";
    } else if (found.error().kind == Refusal::Kind::not_found) {
      response.status = 400;
      response.body = R"({"status":"error","message":"Session expired."})";
    } else {
      response.status = 503;
      response.header("Retry-After", "1");
      response.body = R"({"status":"error","message":"Please try again."})";
    }
    reply.send(std::move(response));
  }

  void get_theme(const Request& request, const Captures& captures, Reply reply) const {
    const auto theme = assets_->themes.find(captures[0]);
    if (theme == assets_->themes.end()) return reply.send(http::error(404, "No such file."));
    reply.send(answer(request, theme->second));
  }

  void get_static(const Request& request, const Captures& captures, Reply reply) const {
    reply.send(assets_->files.answer(request, captures[0]));
  }

 private:
  struct Asked {
    View view;
    Params params;
    otp::Otp otp;  // live; neither missing nor locked
  };

  View view_of(const Request& request, const Captures& captures, const Params& params) const {
    const std::string& lang = params.get("lang");
    return {captures[0],
            captures[1],
            params.get("view") == "popup",
            lang,
            params.get("key"),
            {},
            renderer().language({lang}, request.header("accept-language"))};
  }

  // What is asked about, or the page that says why there is nothing to ask.
  std::expected<Asked, Response> read(const Request& request, const Captures& captures) const {
    auto params = http::parse_params(request);
    View view = view_of(request, captures, params ? *params : Params());
    if (request.method == http::Method::post && request.header("sec-fetch-site") == "cross-site") {
      return std::unexpected(renderer().message_page(403, view, Message::forbidden));
    }
    if (!params) {
      return std::unexpected(renderer().message_page(400, view, Message::invalid, params.error()));
    }
    Outcome found = find(view);
    const auto& [locale, return_url] = found ? std::tie(found->otp.locale, found->otp.return_url)
                                             : std::tie(found.error().locale, found.error().return_url);
    if (may_return(view, return_url)) view.return_url = return_url;
    view.language = renderer().language({view.lang, locale}, request.header("accept-language"));
    if (!found) return std::unexpected(refused(view, found.error()));
    if (found->otp.locked() && !found->otp.closed) {
      return std::unexpected(renderer().locked_page(view, found->ttl_seconds));
    }
    return Asked{view, std::move(*params), std::move(found->otp)};
  }

  // The key comes before the store, so that a wrong one takes as long whether there is such an OTP or not.
  Outcome find(const View& view) const {
    if (!config_->namespaces.contains(view.name_space) ||
        !service_.may_view(view.name_space, view.id, view.key)) {
      Refusal refusal;
      refusal.kind = Refusal::Kind::not_found;
      return std::unexpected(std::move(refusal));
    }
    return service_.find(view.name_space, view.id);
  }

  // As PUT wanted it, by the origins of now.
  bool may_return(const View& view, const std::string& url) const {
    const auto origin = config::origin_of(url);
    const auto name_space = config_->namespaces.find(view.name_space);
    return origin && name_space != config_->namespaces.end() &&
           config::may_link_to(*origin, name_space->second.origins, config_->app.root_url);
  }

  // An address that the application gave is not the page's to change.
  static bool can_set_address(const otp::Otp& otp) { return otp.to.empty() || otp.to_from_page; }

  // A refusal that leaves no page to go on with.
  Response refused(const View& view, const Refusal& refusal) const {
    switch (refusal.kind) {
      case Refusal::Kind::not_found:
        return renderer().message_page(404, view, Message::expired);
      case Refusal::Kind::locked:
        return renderer().locked_page(view, refusal.retry_after.count());
      case Refusal::Kind::unavailable: {
        Response response = renderer().message_page(503, view, Message::busy);
        response.header("Retry-After", std::to_string(std::max<int64_t>(1, refusal.retry_after.count())));
        return response;
      }
      case Refusal::Kind::internal:
      case Refusal::Kind::delivery_failed:
        return renderer().message_page(500, view, Message::internal);
      case Refusal::Kind::invalid:
      case Refusal::Kind::wrong_code:
      case Refusal::Kind::not_verified:
      case Refusal::Kind::conflict:
      case Refusal::Kind::limited:
      case Refusal::Kind::too_early:
        break;
    }
    return renderer().message_page(400, view, Message::invalid, refusal.message);
  }

  // A check or resend was refused: the code page again where the person can still do something there.
  Response refused_code(const View& view, const Refusal& refusal) const {
    using enum Refusal::Kind;
    if (refusal.kind != wrong_code && refusal.kind != invalid && !must_wait(refusal)) {
      return refused(view, refusal);
    }
    // The store's word now, which another request may have changed: verified meanwhile, locked, gone.
    const Outcome now = service_.find(view.name_space, view.id);
    if (!now) return refused(view, now.error());
    const DescriptorPtr descriptor = service_.descriptor(now->otp.provider);
    if (now->otp.closed) return renderer().verified_page(view, descriptor.get());
    if (now->otp.locked()) return renderer().locked_page(view, now->ttl_seconds);
    if (now->otp.to.empty()) return renderer().redirect(view, kAddress);
    Complaint complaint = complaint_about(refusal);
    // Sent as often as it may be: the page says so where the button was.
    if (refusal.kind == locked && now->otp.generate >= now->otp.max_generate) complaint = {};
    const int status = must_wait(refusal) ? 429 : 400;
    Response response = renderer().code_page(status, view, now->otp, descriptor.get(), {}, complaint);
    if (status == 429) response.header("Retry-After", std::to_string(refusal.retry_after.count()));
    return response;
  }

  // An address was refused: the address page again, with what was entered.
  Response refused_address(const View& view, const std::string& to, const Refusal& refusal) const {
    using enum Refusal::Kind;
    if (refusal.kind != invalid && refusal.kind != conflict && !must_wait(refusal)) {
      return refused(view, refusal);
    }
    const Outcome now = service_.find(view.name_space, view.id);
    if (!now) return refused(view, now.error());
    if (now->otp.closed || !can_set_address(now->otp)) return renderer().redirect(view, kCode);
    if (now->otp.locked()) return renderer().locked_page(view, now->ttl_seconds);
    const DescriptorPtr descriptor = service_.descriptor(now->otp.provider);
    const int status = must_wait(refusal) ? 429 : 400;
    Response response =
        renderer().address_page(status, view, now->otp, descriptor.get(), to, complaint_about(refusal));
    if (status == 429) response.header("Retry-After", std::to_string(refusal.retry_after.count()));
    return response;
  }

  [[nodiscard]] const Renderer& renderer() const { return assets_->renderer; }

  std::shared_ptr<const config::Config> config_;
  std::shared_ptr<const Assets> assets_;
  otp::Service& service_;
  otp::PostGuard& guard_;
};

}  // namespace

std::shared_ptr<PageRoutes> add_page_routes(http::Router& router,
                                            std::shared_ptr<const config::Config> config,
                                            std::shared_ptr<const Assets> assets, otp::Service& service,
                                            otp::PostGuard& guard) {
  const auto pages = std::make_shared<Pages>(std::move(config), std::move(assets), service, guard);

  const auto add = [&](http::Method method, std::string_view pattern, Pages::Page page) {
    router.add(method, pattern,
               [pages, page, is_post = method == http::Method::post](const Request& request,
                                                                     const Captures& captures, Reply reply) {
                 if (is_post) return pages->post(page, request, captures, std::move(reply));
                 (*pages.*page)(request, captures, std::move(reply));
               });
  };
  add(http::Method::get, "/static/*", &Pages::get_static);
  add(http::Method::get, "/otp/:namespace/theme", &Pages::get_theme);
  add(http::Method::get, "/otp/:namespace/:id", &Pages::get_code);
  add(http::Method::post, "/otp/:namespace/:id", &Pages::post_code);
  add(http::Method::get, "/otp/:namespace/:id/address", &Pages::get_address);
  add(http::Method::post, "/otp/:namespace/:id/address", &Pages::post_address);
  add(http::Method::get, "/otp/:namespace/:id/status", &Pages::get_status);
  return pages;
}

}  // namespace otpgw::web
