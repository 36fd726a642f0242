#include "core/message/defaults.h"

namespace otpgw::message {
namespace {

struct Words {
  const char *language, *direction;
  const char *subject, *lead, *button, *advice;
  const char *mail_code, *mail_link, *text;
};

constexpr Words kEnglish = {"en",
                            "ltr",
                            "Your {{Namespace}} verification code",
                            "Your verification code is",
                            "Verify",
                            "The code is valid for {{OTPTTL.Minutes}} min. If you didn't ask for it, "
                            "ignore this e-mail, and don't give "
                            "the code to anybody.",
                            "{{OTP}} is your verification code for {{Namespace}}.",
                            "You can also open this page:",
                            "{{OTP}} is your verification code for {{Namespace}}."};

constexpr Words kHindi = {
    "hi",
    "ltr",
    "{{Namespace}} के लिए आपका सत्यापन कोड",
    "आपका सत्यापन कोड है",
    "सत्यापित करें",
    "यह कोड {{OTPTTL.Minutes}} मिनट तक मान्य है। अगर आपने इसे नहीं माँगा था, तो इस ई-मेल पर ध्यान न दें, और यह कोड "
    "किसी को न बताएँ।",
    "{{Namespace}} के लिए आपका सत्यापन कोड {{OTP}} है।",
    "आप यह पेज भी खोल सकते हैं:",
    "{{Namespace}} के लिए आपका सत्यापन कोड {{OTP}} है।"};

constexpr Words kArabic = {"ar",
                           "rtl",
                           "رمز التحقق الخاص بك في {{Namespace}}",
                           "رمز التحقق الخاص بك هو",
                           "تحقَّق",
                           "مدة صلاحية الرمز بالدقائق: {{OTPTTL.Minutes}}. إذا لم تطلب هذا الرمز فتجاهل هذه "
                           "الرسالة، ولا تُطلع أحدًا عليه.",
                           "رمز التحقق الخاص بك في {{Namespace}} هو {{OTP}}.",
                           "يمكنك أيضًا فتح هذه الصفحة:",
                           "رمز التحقق الخاص بك في {{Namespace}} هو {{OTP}}."};

// Mail programs drop style sheets and don't know much CSS: tables and inline styles are what they all show.
std::string html(const Words& words) {
  std::string page = "<!doctype html>\n<html lang=\"";
  page.append(words.language).append("\" dir=\"").append(words.direction);
  page += R"(">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width"></head>
<body style="margin:0;padding:0;background:#f3f4f6">
<table role="presentation" width="100%" cellpadding="0" cellspacing="0" style="background:#f3f4f6"><tr><td align="center" style="padding:32px 16px">
<table role="presentation" width="100%" cellpadding="0" cellspacing="0" style="max-width:480px;background:#ffffff;border-radius:8px;font-family:Helvetica,Arial,sans-serif;color:#1f2937"><tr><td style="padding:32px">
<h1 style="margin:0 0 16px;font-size:20px">{{Namespace}}</h1>
<p style="margin:0 0 24px;font-size:16px;line-height:24px">)";
  page += words.lead;
  page += R"(</p>
<p dir="ltr" style="margin:0 0 24px;padding:16px;background:#f3f4f6;border-radius:6px;text-align:center;font-family:Menlo,Consolas,monospace;font-size:32px;letter-spacing:6px">{{OTP}}</p>
{{#OTPURL}}
<p style="margin:0 0 24px;text-align:center"><a href="{{OTPURL}}" style="display:inline-block;padding:12px 24px;background:#1d4ed8;border-radius:6px;color:#ffffff;font-size:16px;text-decoration:none">)";
  page += words.button;
  page += R"(</a></p>
{{/OTPURL}}
<p style="margin:0;font-size:14px;line-height:20px;color:#4b5563">)";
  page += words.advice;
  page += R"(</p>
</td></tr></table>
</td></tr></table>
</body>
</html>
)";
  return page;
}

Defaults defaults(const Words& words) {
  std::string mail_text = words.mail_code;
  mail_text.append("\n\n{{#OTPURL}}\n").append(words.mail_link).append("\n{{OTPURL}}\n\n{{/OTPURL}}\n");
  mail_text.append(words.advice).append("\n");
  return {words.subject, html(words), std::move(mail_text), words.text};
}

}  // namespace

const Defaults& defaults_in(std::string_view language) {
  static const Defaults english = defaults(kEnglish), hindi = defaults(kHindi), arabic = defaults(kArabic);
  return language == "hi" ? hindi : language == "ar" ? arabic : english;
}

}  // namespace otpgw::message
