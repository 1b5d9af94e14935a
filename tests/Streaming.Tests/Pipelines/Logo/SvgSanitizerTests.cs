using System.Xml.Linq;
using Microsoft.Extensions.Options;
using Streaming.Configuration;
using Streaming.Pipelines.Logo;
using Xunit;

namespace Streaming.Tests.Pipelines.Logo;

/// <summary>What a model draws is made harmless or refused; nothing passes because it was overlooked.</summary>
public sealed class SvgSanitizerTests
{
    const string Start = """<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" viewBox="0 0 64 64" """;
    const string Circle = """<circle cx="32" cy="32" r="9" fill="#123"/>""";

    // Each as an attacker would write it, beside a circle that has to survive.
    public static TheoryData<string> Removed => new()
    {
        "<script>alert(1)</script>",
        "<script href='https://evil.example/a.js'/>",
        "<SCRIPT>alert(1)</SCRIPT>",
        "<x:script xmlns:x='http://www.w3.org/1999/xhtml'>alert(1)</x:script>",
        "<s:script xmlns:s='http://www.w3.org/2000/svg'>alert(1)</s:script>",
        "<g onload='alert(1)'/>",
        "<g oNcLiCk='alert(1)'/>",
        "<rect width='9' height='9' onmouseover='alert(1)'/>",
        "<image href='https://evil.example/a.png' width='9' height='9'/>",
        "<image xlink:href='data:image/svg+xml;base64,PHN2Zy8+'/>",
        "<feImage href='https://evil.example/a.png'/>",
        "<use href='https://evil.example/a.svg#x'/>",
        "<use href='#c'/>",
        "<a href='javascript:alert(1)'><rect width='9' height='9'/></a>",
        "<a xlink:href='java&#9;script:alert(1)'><text>evil.example</text></a>",
        "<foreignObject><body xmlns='http://www.w3.org/1999/xhtml'><iframe src='https://evil.example'/></body></foreignObject>",
        "<iframe src='https://evil.example'/>",
        "<embed src='https://evil.example'/>",
        "<style>@import url(https://evil.example/a.css);</style>",
        "<style>@font-face { font-family: x; src: url(https://evil.example/a.woff) }</style>",
        "<style><![CDATA[circle { fill: url(https://evil.example/a) }]]></style>",
        "<rect width='9' height='9' style='fill:url(https://evil.example/a)'/>",
        "<rect width='9' height='9' style='background:url(https://evil.example/a)'/>",
        "<rect width='9' height='9' style='fill:u\\72l(https://evil.example/a)'/>",
        "<rect width='9' height='9' style='fill:expression(alert(1))'/>",
        "<rect width='9' height='9' fill='url(https://evil.example/a#b)'/>",
        "<rect width='9' height='9' fill='url( //evil.example/a#b )'/>",
        "<rect width='9' height='9' fill='u\\72l(//evil.example/a)'/>",
        "<rect width='9' height='9' fill='URL(#a) url(//evil.example/b)'/>",
        "<rect width='9' height='9' fill='image-set(&quot;https://evil.example/a&quot;)'/>",
        "<rect width='9' height='9' clip-path='url(&#104;ttps://evil.example/a#b)'/>",
        "<rect width='9' height='9' filter='url(#f)'/>",
        "<filter id='f'><feTurbulence numOctaves='1000000'/></filter>",
        "<pattern id='p' width='1' height='1'><image href='https://evil.example/a.png'/></pattern>",
        "<mask id='m'><image href='https://evil.example/a.png'/></mask>",
        "<linearGradient id='l' href='https://evil.example/a.svg#b'/>",
        "<linearGradient id='l' xlink:href='https://evil.example/a.svg#b'/>",
        "<animate attributeName='href' values='javascript:alert(1)'/>",
        "<set attributeName='onclick' to='alert(1)'/>",
        "<animateTransform attributeName='transform'/>",
        "<handler type='application/ecmascript'>alert(1)</handler>",
        "<metadata><script>alert(1)</script></metadata>",
        "<?xml-stylesheet href='https://evil.example/a.css'?>",
        "<!-- --><g xml:base='https://evil.example/'/>",
        "<text font-family=\"x;src:url('https://evil.example')\">a</text>",
        "<svg onload='alert(1)'><script>alert(1)</script></svg>",
    };

    static readonly string[] Words =
        ["script", "evil", "alert", "onload", "onclick", "onmouseover", "iframe", "foreignobject", "image", "import", "url(", "\\", "<use", "<a ", "style", "filter", "pattern", "mask", "animate", "<set"];

    [Theory]
    [MemberData(nameof(Removed))]
    public void Attack_is_left_out_and_the_rest_is_kept(string attack)
    {
        var safe = Sanitize(Start + ">" + attack + Circle + "</svg>").Text;

        Assert.Contains("""<circle cx="32" cy="32" r="9" fill="#123" />""", safe, StringComparison.Ordinal);
        Assert.All(Words, word => Assert.DoesNotContain(word, safe, StringComparison.OrdinalIgnoreCase));
        Assert.Equal(safe, Sanitize(safe).Text);
    }

    public static TheoryData<string, string> Refused => new()
    {
        { """<!DOCTYPE svg [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]>""" + Start + "><text>&b;</text></svg>", "well-formed" },
        { """<!DOCTYPE svg [<!ENTITY x SYSTEM "file:///etc/passwd">]>""" + Start + "><text>&x;</text></svg>", "well-formed" },
        { """<!DOCTYPE svg PUBLIC "-//W3C//DTD SVG 1.1//EN" "http://www.w3.org/Graphics/SVG/1.1/DTD/svg11.dtd">""" + Start + ">" + Circle + "</svg>", "well-formed" },
        { Start + "><text>&nbsp;</text></svg>", "well-formed" },
        { Start + ">" + Circle, "well-formed" },
        { Start + ">" + Circle + "</svg><script xmlns='http://www.w3.org/2000/svg'>alert(1)</script>", "well-formed" },
        { "<html><body>" + Circle + "</body></html>", "outermost" },
        { "<svg viewBox='0 0 9 9'>" + Circle + "</svg>", "outermost" },
        { """<svg xmlns="http://www.w3.org/2000/svg">""" + Circle + "</svg>", "viewBox" },
        { """<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 0 0">""" + Circle + "</svg>", "viewBox" },
        { """<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 1e9 1e9">""" + Circle + "</svg>", "viewBox" },
        { """<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 NaN Infinity">""" + Circle + "</svg>", "viewBox" },
        { Start + "><g/></svg>", "nothing" },
        { Start + "><script>" + Circle + "</script></svg>", "nothing" },
        { Start + ">" + string.Concat(Enumerable.Repeat(Circle, 1001)) + "</svg>", "1000 elements" },
        { Start + "><foreignObject>" + string.Concat(Enumerable.Repeat("<p/>", 1001)) + "</foreignObject>" + Circle + "</svg>", "1000 elements" },
        { Start + ">" + string.Concat(Enumerable.Repeat("<g>", 16)) + Circle + string.Concat(Enumerable.Repeat("</g>", 16)) + "</svg>", "16 levels" },
        { Start + "><text>" + new string('a', 65_536) + "</text></svg>", "65536 bytes" },
        { "", "well-formed" },
        { "once upon a time", "well-formed" },
    };

    [Theory]
    [MemberData(nameof(Refused), DisableDiscoveryEnumeration = true)]
    public void What_is_no_picture_or_too_much_is_refused_with_the_reason(string svg, string reason) =>
        Assert.Contains(reason, Assert.Throws<SvgRefusedException>(() => Sanitize(svg)).Message, StringComparison.Ordinal);

    [Fact]
    public void Picture_keeps_its_shapes_gradients_transforms_and_text()
    {
        var safe = Sanitize(Start + """
            width="100%"><defs><linearGradient id="g1" gradientTransform="rotate(45)"><stop offset="0%" stop-color="rgb(1, 2, 3)"/></linearGradient>
            <clipPath id="c"><rect width="9" height="9"/></clipPath></defs>
            <g transform="translate(1 2) scale(.5)" clip-path="url(#c)"><path d="M0,0 C1 2-3.5 4e-1 5 6Z" fill="url(#g1)" style="stroke: #fff; stroke-width:2"/>
            <text x="1" font-family="'Gill Sans', serif">A &amp; B &lt;3</text></g></svg>
            """);

        var root = XDocument.Parse(safe.Text).Root!;
        Assert.Equal((64, 64), (safe.Width, safe.Height));
        Assert.Equal("64", root.Attribute("width")!.Value);
        var path = root.Descendants().Single(element => element.Name.LocalName == "path");
        Assert.Equal(["M0,0 C1 2-3.5 4e-1 5 6Z", "url(#g1)", "#fff", "2"], path.Attributes().Select(attribute => attribute.Value));
        Assert.Equal("url(#c)", path.Parent!.Attribute("clip-path")!.Value);
        Assert.Equal("A & B <3", root.Descendants().Single(element => element.Name.LocalName == "text").Value);
    }

    static SafeSvg Sanitize(string svg) => new SvgSanitizer(Options.Create(new LogoOptions())).Sanitize(svg);
}
