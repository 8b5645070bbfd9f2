interface HomeHeaderProps {
  /** Of the first page itself the name is no link. */
  readonly isFirstPage?: boolean
  readonly links: readonly (readonly [href: string, name: string])[]
}

/** The name, and ways to other pages. */
export function HomeHeader({ isFirstPage = false, links }: HomeHeaderProps) {
  return (
    <header className="home-header">
      {isFirstPage ? (
        <span className="home-name">lf</span>
      ) : (
        <a className="home-name" href="/">
          lf
        </a>
      )}
      <nav aria-label="Pages">
        {links.map(([href, name]) => (
          <a key={href} href={href}>
            {name}
          </a>
        ))}
      </nav>
    </header>
  )
}
