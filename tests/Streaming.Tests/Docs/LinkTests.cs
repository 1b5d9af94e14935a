using Xunit;

namespace Streaming.Tests.Docs;

/// <summary>Links between the documents, and from them to the code, lead somewhere.</summary>
public sealed class LinkTests
{
    public static TheoryData<string> Documents => [.. Repository.Documents()];

    [Theory]
    [MemberData(nameof(Documents))]
    public void A_relative_link_leads_to_a_file_and_a_heading(string name)
    {
        var document = MarkdownFile.Read(name);
        var folder = Path.GetDirectoryName(Repository.Path(name))!;

        Assert.All(document.Links.Where(link => !link.Target.Contains("://", StringComparison.Ordinal)), link =>
        {
            var (path, anchor) = link.Target.Split('#') is [var before, var after] ? (before, after) : (link.Target, null);
            var target = path.Length == 0 ? Repository.Path(name) : Path.GetFullPath(Path.Combine(folder, path));
            Assert.True(Path.Exists(target), $"{name} links to {link.Target}, and there is no such file.");
            if (anchor is not null)
                Assert.Contains(anchor, MarkdownFile.Read(Path.GetRelativePath(Repository.Root, target)).Anchors);
        });
    }

    [Theory]
    [MemberData(nameof(Documents))]
    public void A_document_tells_nothing_of_the_machine_it_was_written_on(string name)
    {
        var text = Repository.Read(name);

        Assert.All((string[])["/home/", "/tmp/"], folder => Assert.DoesNotContain(folder, text, StringComparison.Ordinal));
    }
}
