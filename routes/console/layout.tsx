import type { Child } from "hono/jsx";
import type { Assets } from "./assets.ts";
import { type Language, LANGUAGES, type Preferences, type Translate } from "./language.ts";
import { GROUPS, type Screen } from "./screen.ts";

type Props = {
  screen: Screen;
  screens: readonly Screen[];
  assets: Assets;
  preferences: Preferences;
  t: Translate;
  children?: Child;
};

/** What stands around every screen: the head, the menu, the sign-in, the place for messages. */
export function Layout({ screen, screens, assets, preferences, t, children }: Props) {
  const { language, theme } = preferences;
  return (
    <html lang={language} data-theme={theme}>
      <Head {...{ screen, assets, language, t }} />
      <body data-screen={screen.name} data-needs={screen.needs} data-open={screen.open}>
        <a class="skip" href="#main">{t("shell.skip")}</a>
        <header class="topbar">
          <button type="button" class="quiet menu-button" popovertarget="menu">
            <span class="burger" aria-hidden="true" />
            {t("shell.menu")}
          </button>
          <a class="brand" href="/">Imago</a>
        </header>
        <Menu {...{ screen, screens, preferences, t }} />
        <main id="main" tabindex={-1}>
          <p id="offline" class="banner" role="status" hidden>{t("shell.offline")}</p>
          <noscript>
            <p class="banner">{t("shell.noscript")}</p>
          </noscript>
          <h1>{t(screen.title)}</h1>
          <p id="notice" class="notice" role="alert" hidden />
          <SignIn t={t} />
          <div id="screen" hidden>{children}</div>
        </main>
        <div id="toasts" role="status" aria-live="polite" />
      </body>
    </html>
  );
}

type HeadProps = Pick<Props, "screen" | "assets" | "t"> & { language: Language };

function Head({ screen, assets, language, t }: HeadProps) {
  const modules = ["app.js", `screens/${screen.name}.js`, `texts/${language}.js`];
  return (
    <head>
      <meta charset="utf-8" />
      <meta name="viewport" content="width=device-width, initial-scale=1" />
      <meta name="color-scheme" content="light dark" />
      <meta name="description" content={t("shell.description")} />
      <title>{`${t(screen.title)} · Imago`}</title>
      <link rel="icon" href={assets.url("icon.svg")} type="image/svg+xml" />
      <link rel="stylesheet" href={assets.url("console.css")} />
      {modules.map((name) => <link rel="modulepreload" href={assets.url(name)} />)}
      <script type="module" src={assets.url("app.js")} />
    </head>
  );
}

function Menu({ screen, screens, preferences, t }: Pick<
  Props,
  "screen" | "screens" | "preferences" | "t"
>) {
  return (
    <nav id="menu" class="menu" popover="auto" aria-label={t("shell.menu")}>
      <a class="brand" href="/">Imago</a>
      {GROUPS.map((group) => (
        <section>
          <h2 id={`menu-${group}`}>{t(`menu.${group}`)}</h2>
          <ul aria-labelledby={`menu-${group}`}>
            {screens.filter((other) => other.group === group).map((other) => (
              <li data-needs={other.needs}>
                <a href={other.path} aria-current={other === screen ? "page" : undefined}>
                  {t(other.title)}
                </a>
              </li>
            ))}
          </ul>
        </section>
      ))}
      <div class="who">
        <p id="who" hidden />
        <button type="button" id="sign-out" class="quiet" hidden>{t("shell.signOut")}</button>
        <p>
          <a href="/docs" target="_blank" rel="noopener">{t("shell.docs")}</a>
        </p>
        <Choices {...{ preferences, t }} />
      </div>
    </nav>
  );
}

function Choices({ preferences, t }: Pick<Props, "preferences" | "t">) {
  const themes = ["auto", "light", "dark"] as const;
  return (
    <>
      <ul class="choices" aria-label={t("shell.language")}>
        {(Object.entries(LANGUAGES) as [Language, string][]).map(([language, name]) => (
          <li>
            <a
              href={`?lang=${language}`}
              lang={language}
              hreflang={language}
              aria-current={language === preferences.language ? "true" : undefined}
            >
              {name}
            </a>
          </li>
        ))}
      </ul>
      <ul class="choices" aria-label={t("shell.theme")}>
        {themes.map((theme) => (
          <li>
            <a
              href={`?theme=${theme}`}
              aria-current={theme === preferences.theme ? "true" : undefined}
            >
              {t(`theme.${theme}`)}
            </a>
          </li>
        ))}
      </ul>
    </>
  );
}

function SignIn({ t }: Pick<Props, "t">) {
  return (
    <section id="sign-in" class="card narrow" aria-labelledby="sign-in-title" hidden>
      <h2 id="sign-in-title">{t("signIn.title")}</h2>
      <p id="sign-in-reason" role="status" hidden />
      <form id="key-form">
        <label for="key">{t("signIn.key")}</label>
        <input
          id="key"
          name="key"
          type="password"
          autocomplete="off"
          spellcheck={false}
          required
          placeholder="imago_…"
          aria-describedby="key-help"
        />
        <p id="key-help" class="hint">{t("signIn.keyHelp")}</p>
        <button type="submit" class="primary">{t("signIn.useKey")}</button>
      </form>
      <details>
        <summary>{t("signIn.asUser")}</summary>
        <form id="user-form">
          <label for="username">{t("signIn.username")}</label>
          <input id="username" name="username" autocomplete="username" required maxlength={64} />
          <label for="password">{t("signIn.password")}</label>
          <input
            id="password"
            name="password"
            type="password"
            autocomplete="current-password"
            required
          />
          <button type="submit" class="primary">{t("signIn.signIn")}</button>
        </form>
      </details>
      <p class="hint">{t("signIn.kept")}</p>
    </section>
  );
}
