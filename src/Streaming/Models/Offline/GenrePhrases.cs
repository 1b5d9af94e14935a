namespace Streaming.Models.Offline;

/// <summary>
/// What happens in a story of each family of genres. Placeholders as in <see cref="StoryPhrases"/>, and in hooks
/// <c>{foil}</c>: the foil with office and full name.
/// </summary>
internal static class GenrePhrases
{
    public static readonly GenreFamily Drama = new(
        "Drama", ["drama", "family", "slice of life", "literary", "tragedy", "家庭", "剧情"],
        ["Inheritance", "Silence", "Witness", "House", "Apology", "Debt"],
        [
            "A funeral brings back {foil}, who lays a second will on the table and asks {name} to read it aloud.",
            "When {foil} offers to pay every debt of the family, {name} alone asks what is being bought.",
            "One careless sentence at dinner tells {foil} what {name} has hidden for eleven years.",
            "A hospital calls the wrong number, and {name} finds {foil} asleep in {his} late father's room.",
            "The house must be sold by spring, and {foil} is the only bidder who knows what is under it.",
        ],
        [
            "The people {he} loves take sides before anyone has asked them to.",
            "Each apology comes a day late and costs a little more than the last.",
            "{rival} keeps being kind, and kindness turns out to be the hardest thing to fight.",
            "To be forgiven {he} would have to tell the one person who still believes {him}.",
            "What was meant as rescue has begun to look like theft, even to {him}.",
        ],
        [
            "The letter that broke the family was never sent; {name} wrote it and kept it.",
            "{rival} has known from the first day, and came to be stopped.",
            "The villain of the story is the person everyone has been grieving.",
            "In the end {name} wins the argument and has to live in the empty house.",
            "The secret was kept out of love, by the one who suffered most from it.",
        ]);

    private static readonly GenreFamily Romance = new(
        "Romance", ["roman", "love", "ceo", "marriage", "harem", "bl", "yaoi", "爱情", "言情", "恋"],
        ["Promise", "Wedding", "Valentine", "Stranger", "Honeymoon", "Kiss"],
        [
            "To keep a lease alive, {name} signs a one-year marriage with {foil}, sight unseen.",
            "A storm leaves one room and one heater for {name} and {foil}, who have sued each other twice.",
            "Hired to write the wedding speech for {foil}, {name} begins to mean every word of it.",
            "A wrong message goes to {foil} at two in the morning, and the reply is better than it should be.",
            "Five years after the goodbye, {foil} walks in with a ring to be resized and does not know {name}.",
        ],
        [
            "They make rules, and break them in the order in which they were written.",
            "Every time they come close, the past rings the doorbell.",
            "Both are lying about why they came, and only one of them is good at it.",
            "The families approve, which is the worst thing that could happen.",
            "It would be simpler to be enemies, and for three days they try.",
        ],
        [
            "The contract that binds them ran out months ago, and each has hidden it from the other.",
            "{rival} was the anonymous friend who talked {name} through the worst year.",
            "On the day of the wedding it is the bride's mother who runs.",
            "The love letter was real; it was only ever meant for someone else.",
            "{name} chooses to leave, and that is what finally makes {rival} follow.",
        ]);

    private static readonly GenreFamily Thriller = new(
        "Thriller", ["thrill", "crime", "myster", "suspense", "detective", "noir", "heist", "spy", "悬疑", "犯罪", "推理"],
        ["Alibi", "Ledger", "Vanishing", "Confession", "Informant", "Hour"],
        [
            "A body turns up wearing the coat of {foil}, who arrives an hour later to ask for it back.",
            "Someone is paying {name} in advance for evidence against {foil}, and the evidence has not happened yet.",
            "Locked in overnight with {foil}, {name} finds {his} own name on the list of the dead.",
            "The tape shows {foil} entering and {name} leaving, and neither of them was there.",
            "With {foil} as the only other witness, {name} changes one word of {his} statement and cannot take it back.",
        ],
        [
            "Each answer removes a suspect and adds a reason to run.",
            "The police are polite, which means that they already know.",
            "{He} has forty hours, one friend, and a phone that someone else is listening to.",
            "The closer {he} gets, the better the case against {him} becomes.",
            "Every night someone returns a thing that {he} has not yet lost.",
        ],
        [
            "The victim planned it all and is watching to see who cries.",
            "{rival} has been protecting {name} from the one person {he} trusts.",
            "The crime they solved never took place; the cover-up did.",
            "The ransom was paid years ago, by the kidnapper.",
            "The last photograph was taken from inside the house.",
        ]);

    private static readonly GenreFamily Fantasy = new(
        "Fantasy", ["fantas", "magic", "wuxia", "xianxia", "cultivat", "myth", "super", "vampire", "werewol", "fairy", "玄幻", "仙", "奇幻", "武侠"],
        ["Crown", "Oath", "Lantern", "Dragon", "Name", "Bargain"],
        [
            "At midnight {foil} trades a shadow for a favour, and it is {name} who must deliver the shadow.",
            "The old gods go on strike, and {foil} sends for {name} because {he} has never prayed.",
            "A door appears in the cellar, and behind it {foil} has been waiting since before {name} was born.",
            "By mistake {name} is crowned in place of {foil}, and the crown will not come off.",
            "Each spell in the city loses one letter, and {foil} accuses {name} of stealing them.",
        ],
        [
            "Magic keeps accounts here, and someone has been signing with {his} name.",
            "For each wish that is granted, somebody in {town} forgets a face.",
            "The oath can be broken only by the person who does not know about it.",
            "Power comes easily to {him}; giving it back takes the rest of the story.",
            "The map redraws itself at dawn, and each time {town} is nearer to the edge.",
        ],
        [
            "The prophecy was a bill, and it has come due.",
            "{rival} is the monster of the old song, and the song has it backwards.",
            "The last dragon has been keeping the winter out, not the people in.",
            "What {name} took for a curse was the only protection {he} ever had.",
            "The throne chooses the one who would rather mend the roof.",
        ]);

    private static readonly GenreFamily ScienceFiction = new(
        "Science fiction", ["sci", "space", "cyber", "robot", "dystop", "apocal", "time travel", "futur", "科幻", "末世"],
        ["Signal", "Copy", "Orbit", "Machine", "Tomorrow", "Airlock"],
        [
            "A distress call arrives in the voice of {foil}, dated eleven years from now and addressed to {name}.",
            "The company wakes a copy of {foil} to fix one fault, and the copy asks {name} for a lawyer.",
            "Memory is taxed by the hour, and {foil} has been claiming the childhood of {name}.",
            "The ship's mind will speak only to {name}, and what it says is that {foil} is not on board.",
            "A test proves that {foil} is human and {name} is not, and only the two of them have seen it.",
        ],
        [
            "Every repair takes something out of the past.",
            "There is air for nine, and ten people who have all been promised a seat.",
            "The machine does not lie; it only answers the question that was meant.",
            "Going public would free everyone and switch off the one {he} loves.",
            "Somewhere in the log a day is missing, and all of them remember it as happy.",
        ],
        [
            "The signal was an echo of the answer they have not yet sent.",
            "{rival} is the third copy, and the first to have refused.",
            "Earth did not fall silent; it was asked to wait.",
            "The experiment ended years ago, and no one had the heart to tell them.",
            "The last human on the crew list is the cat's owner, who never boarded.",
        ]);

    private static readonly GenreFamily Comedy = new(
        "Comedy", ["comed", "humor", "humour", "satire", "sitcom", "funny", "parody", "喜剧", "搞笑"],
        ["Misunderstanding", "Goat", "Landlord", "Reunion", "Committee", "Understudy"],
        [
            "Through a clerical error {name} is made head of security for {foil}, and turns out to be good at it.",
            "To impress the bank, {name} hires {foil} to play a spouse, a dentist and, on Thursdays, a goat farmer.",
            "A eulogy for {foil} is going beautifully when {foil} walks in and asks to hear the rest.",
            "Both {name} and {foil} are secretly writing the complaint column, under the same name.",
            "An escaped goat, a visiting bishop and {foil} all need to be out of the kitchen by six.",
        ],
        [
            "Every lie needs a prop, and the props are beginning to meet each other.",
            "The neighbours form a committee, which forms a choir.",
            "The plan is simple, and so, sadly, is everyone in it.",
            "Nobody is fooled, but they are enjoying it too much to say so.",
            "There is a rehearsal dinner, for reasons that nobody can reconstruct.",
        ],
        [
            "The inspector they have been hiding from is the caterer.",
            "{rival} has known all along and has been selling tickets.",
            "It works, and now they have to do it every year.",
            "The goat inherits.",
            "The only person who told the truth is arrested for fraud.",
        ]);

    private static readonly GenreFamily Horror = new(
        "Horror", ["horror", "ghost", "haunt", "slasher", "occult", "gothic", "zombie", "恐怖", "灵异"],
        ["Guest", "Cellar", "Lullaby", "Tenant", "Hollow", "Visitor"],
        [
            "The tenant in number nine is {foil}, who was buried in March and would like the heating turned down.",
            "Every mirror in the house runs a minute late, and in one of them {foil} is waving at {name}.",
            "A lullaby on the radio names the listeners in turn; {foil} was yesterday, {name} is next.",
            "Digging a pool, {foil} finds a staircase going down, swept clean and lit.",
            "The children draw {foil} in every picture, standing behind {name}, a little nearer each day.",
        ],
        [
            "The thing obeys every rule it is told, and someone keeps telling it new ones.",
            "Leaving is easy; it is the counting afterwards that never comes out right.",
            "The dog will not go upstairs, and then there is no dog, and no one remembers one.",
            "It asks politely each night, and each night the house is a little more tired.",
            "The neighbours bring food and never once look up at the windows.",
        ],
        [
            "There were never six of them.",
            "{rival} let it in because it was colder outside with what was following.",
            "The haunting is a warning, and the wall they tore down was the answer.",
            "{name} has been the noise in somebody else's house.",
            "The exorcism works, on the priest.",
        ]);

    private static readonly GenreFamily Action = new(
        "Action", ["action", "adventur", "war", "martial", "revenge", "western", "survival", "sport", "game", "动作", "复仇", "冒险"],
        ["Convoy", "Reckoning", "Last Round", "Border", "Escort", "Outlaw"],
        [
            "A simple escort turns into a siege when {foil} locks the gates and hands {name} the only weapon.",
            "Twelve hours before the border closes, {foil} puts a price on {name} and a child in {his} truck.",
            "The championship is fixed, and {foil} needs {name} to lose on live television and survive it.",
            "A stolen train carries {name}, {foil} and a crate that three armies want unopened.",
            "To get out of prison {name} must break {foil} in.",
        ],
        [
            "Every mile costs an ally, and the fuel gauge was painted on.",
            "The people hunting {him} taught {him} everything, and kept notes.",
            "There are two ways through, and {he} has promised each side the other one.",
            "{He} is running out of places where a good deed is not a signature.",
            "The odds are printed daily, and {his} are the only ones that never improve.",
        ],
        [
            "The crate is empty; the point was to see who would come.",
            "{rival} gave the order years ago and has been trying to take it back ever since.",
            "The rescue was the trap, and {name} was the bait that knew.",
            "Revenge arrives on time, and finds the man asleep beside a cradle.",
            "The only way to win is to let the enemy tell the story.",
        ]);

    private static readonly GenreFamily Historical = new(
        "Historical", ["histor", "period", "costume", "royal", "palace", "dynasty", "regency", "古装", "宫", "历史"],
        ["Envoy", "Portrait", "Seamstress", "Regent", "Winter Court", "Cipher"],
        [
            "The court's new portrait of {foil} shows a ring that was stolen, and {name} is asked to paint it out.",
            "Sent to teach manners to {foil}, {name} is soon carrying letters for both sides of the war.",
            "In the year of the bad harvest {foil} buys every sack of grain, and asks {name} to keep the books.",
            "A dead king's seal is found in the laundry, and {foil} swears that it belongs to {name}.",
            "The treaty needs a translator, and {foil} needs {name} to mistranslate one word.",
        ],
        [
            "At court a smile is a sentence, and {he} is slow to learn the grammar.",
            "The war is won on paper and lost in the kitchens.",
            "Each favour from above is noted below, with the date.",
            "The wrong hat could hang {him}, and the right one is already on order.",
            "Everyone at the table has poisoned someone, and the soup is late.",
        ],
        [
            "The pretender is genuine, and would rather not be.",
            "{rival} forged the seal to save the one who had betrayed them both.",
            "History will record the lie; the last scene shows who wrote it down.",
            "The poison was in the antidote, and the physician tasted it first.",
            "The abdication is read out by the person it was written to remove.",
        ]);

    /// <summary>Drama comes last: "costume drama" belongs to the family of its first word.</summary>
    public static readonly GenreFamily[] All =
        [Romance, Thriller, Fantasy, ScienceFiction, Comedy, Horror, Action, Historical, Drama];
}
